"""Which configurations are fine-tuned to check a front: its points, random ones, uniform ones of like memory."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from perfmodel.learning_curve import METRIC as LOSS
from perfmodel.predictor import Predictor
from perfmodel.sampling import stratified
from perfmodel.space import Configuration
from search.pareto import spread


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
    baselines are the uniform configurations whose predicted use of the resource is nearest to that of front points.

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
        Configuration.uniform(space.units, bits=bits, rank=rank, pruning_rate=space.pruning_rates[0])
        for bits in space.bits
        for rank in space.ranks
        if rank
    ]
    if not picked or not count:
        return []
    used = predictor.predict(uniform)[resource].to_numpy()
    targets = predictor.predict(picked)[resource].to_numpy()
    chosen: list[int] = []
    for position in np.linspace(0, len(targets) - 1, min(count, len(uniform))).round().astype(int):
        order = np.argsort(np.abs(used - targets[position]))
        chosen.append(next(int(index) for index in order if index not in chosen))
    return [
        Candidate(f"uniform {uniform[index].bits[0]}-bit r{uniform[index].ranks[0]}", "baseline", uniform[index])
        for index in chosen
    ]
