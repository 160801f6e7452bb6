"""Which configurations are fine-tuned to check a front: its points, random ones, the best uniform ones of like size."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import LOSS
from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration
from search.contract.pareto import non_dominated, spread


@dataclass(frozen=True)
class Candidate:
    """One configuration to validate.

    Args:
        name: as the report calls it.
        role: ``front``, ``random`` or ``baseline``.
        configuration: what is fine-tuned.
    """

    name: str
    role: str
    configuration: Configuration


def worth_a_run(
    predictor: Predictor, front: Sequence[Configuration], blind_loss: float, count: int
) -> list[Configuration]:
    """Returns the points of a front that are predicted to learn something: to end below a question-blind answer's loss.

    Where fewer than ``count`` are, or the loss is not predicted, all of them: then the front is what is to be checked.

    Args:
        predictor: fitted.
        front: proposed configurations.
        blind_loss: of the best answer that ignores the question, in nats.
        count: how many are to be run.
    """
    if not front or LOSS not in predictor.metrics:
        return list(front)
    losses = predictor.predict(front)[LOSS].to_numpy()
    useful = [each for each, loss in zip(front, losses, strict=True) if loss < blind_loss]
    return useful if len(useful) >= count else list(front)


def choose_candidates(
    predictor: Predictor,
    front: Sequence[Configuration],
    seen: Set[Configuration],
    counts: Mapping[str, int],
    *,
    resource: str,
    seed: int,
) -> list[Candidate]:
    """Returns what to validate.

    Points of the front are spread along the resource; front and random configurations are ones that no model saw;
    baselines are uniform configurations that no uniform one is predicted to beat in loss and resource, each the
    smallest in which a point of the front has room.

    Args:
        predictor: fitted.
        front: proposed configurations.
        seen: configurations of the training traces.
        counts: how many of each role.
        resource: metric to spread and match by, such as the peak memory.
        seed: of the random ones.
    """
    space = predictor.record.space
    fresh = [each for each in front if each not in seen]
    picked = (
        [fresh[index] for index in spread(predictor.predict(fresh)[[resource]].to_numpy(), counts["front"], 0)]
        if fresh
        else []
    )
    names = [Candidate(f"front {number}", "front", each) for number, each in enumerate(picked, 1)]
    pool = stratified(space, counts["random"] + len(seen) + len(picked), seed)
    unseen = [each for each in pool if each not in seen and each not in picked][: counts["random"]]
    names += [Candidate(f"random {number}", "random", each) for number, each in enumerate(unseen, 1)]
    return names + _baselines(predictor, picked, counts["baseline"], resource)


def _baselines(predictor: Predictor, picked: Sequence[Configuration], count: int, resource: str) -> list[Candidate]:
    space = predictor.record.space
    uniform = [
        Configuration.uniform(space.units, bits=bits, rank=rank, pruning_rate=rate, methods=space.methods)
        for rate in space.pruning_rates
        for bits in space.bits
        for rank in space.ranks
        if rank
    ]
    if not picked or not count:
        return []
    predicted = predictor.predict(uniform)
    used = predicted[resource].to_numpy()
    weak = ~non_dominated(predicted[[LOSS, resource]].to_numpy()) if LOSS in predicted else np.zeros(len(used), bool)
    targets = predictor.predict(picked)[resource].to_numpy()
    left = list(range(len(uniform)))
    chosen = []
    for position in np.linspace(0, len(targets) - 1, min(count, len(uniform))).round().astype(int):
        target = targets[position]
        best = min(left, key=lambda index: (weak[index], used[index] < target, abs(used[index] - target)))
        left.remove(best)
        chosen.append(Candidate(_name(uniform[best]), "baseline", uniform[best]))
    return chosen


def _name(uniform: Configuration) -> str:
    pruned = f", pruned by {uniform.pruning_rate:g}" if uniform.pruning_rate else ""
    return f"uniform {uniform.bits[0]}-bit r{uniform.ranks[0]}{pruned}"
