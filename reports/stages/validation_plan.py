"""Which configurations are fine-tuned to check a front: what may be recommended, known references, and random ones."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import LOSS, PEAK
from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration, Space
from reports.report.choice import FULL_PRECISION, Noise
from search.contract.pareto import spread

REFERENCE_RANK = 16
"""Of the references; where a space lacks it, the nearest rank above 0."""

REFERENCES: dict[str, int] = {FULL_PRECISION: 16, "QLoRA": 4, "8-bit LoRA": 8}
"""Bits of each reference that people know: every layer alike, nothing pruned."""


@dataclass(frozen=True)
class Candidate:
    """One configuration to validate.

    Args:
        name: as page, terminal and ``bench export`` call it: a letter for a point of the front.
        role: ``front``, ``reference`` or ``random``.
        configuration: what is fine-tuned.
    """

    name: str
    role: str
    configuration: Configuration


@dataclass(frozen=True)
class Wanted:
    """How many of each role are run, and what they are chosen by.

    Args:
        front: points of the front.
        random: configurations drawn at random.
        references: of ``REFERENCES``, in their order.
        budget: largest allowed value by metric, in the metric's unit.
        blind_loss: of the best answer that ignores the question, in nats.
        noise: of the loss between seeds.
        resource: metric that further points of the front are spread along, such as the peak memory.
        seed: of the random ones.
    """

    front: int
    random: int
    references: int
    budget: Mapping[str, float]
    blind_loss: float
    noise: Noise
    resource: str
    seed: int


def choose_candidates(
    predictor: Predictor, front: Sequence[Configuration], seen: Set[Configuration], wanted: Wanted
) -> list[Candidate]:
    """Returns what to validate: points of the front by rising memory, then references, then random ones.

    Points of the front and random configurations are ones that no model saw. No point of the front is taken that is
    predicted to end no better than an answer which ignores the question.

    Args:
        predictor: fitted.
        front: proposed configurations.
        seen: configurations of the training traces.
        wanted: how many, and what they are chosen by.
    """
    space = predictor.record.space
    known = references(space)[: wanted.references]
    taken = {*seen, *(each.configuration for each in known)}
    fresh = [each for each in front if each not in taken]
    picked = _picked(predictor, fresh, wanted)
    names = [Candidate(ascii_uppercase[place], "front", each) for place, each in enumerate(picked)]
    taken |= {*picked}
    pool = stratified(space, wanted.random + len(taken), wanted.seed)
    drawn = [each for each in pool if each not in taken][: wanted.random]
    return [*names, *known, *(Candidate(f"random {place}", "random", each) for place, each in enumerate(drawn, 1))]


def references(space: Space) -> list[Candidate]:
    """Returns the references that a space holds: every layer alike, nothing pruned.

    Args:
        space: whose widths, ranks and methods are used; one without an unpruned configuration has none.
    """
    ranks = [rank for rank in space.ranks if rank]
    if 0.0 not in space.pruning_rates:
        return []
    rank = min(ranks, key=lambda each: (abs(each - REFERENCE_RANK), each))
    return [
        Candidate(name, "reference", Configuration.uniform(space.units, bits=bits, rank=rank, methods=space.methods))
        for name, bits in REFERENCES.items()
        if bits in space.bits
    ]


def _picked(predictor: Predictor, fresh: Sequence[Configuration], wanted: Wanted) -> list[Configuration]:
    """Returns the points of the front to run, by rising resource: those that the answer may name first."""
    if not fresh:
        return []
    predicted = predictor.predict(fresh)
    used = predicted[wanted.resource].to_numpy()
    useful = np.ones(len(fresh), bool) if LOSS not in predicted else predicted[LOSS].to_numpy() < wanted.blind_loss
    places = np.flatnonzero(useful)
    chosen: list[int] = []
    if LOSS in predicted and PEAK in predicted:
        chosen = list(dict.fromkeys(_answers(predictor, predicted, places, wanted)))[: wanted.front]
    others = np.array([place for place in places if place not in chosen], dtype=int)
    room = wanted.front - len(chosen)
    further = others[spread(used[others, None], room, 0)] if len(others) and room else others[:0]
    return [fresh[place] for place in sorted([*chosen, *further], key=lambda place: (used[place], place))]


def _answers(predictor: Predictor, predicted: Any, places: NDArray[np.int64], wanted: Wanted) -> Iterator[int]:
    """Yields the point for each question of the report, the budget's first; a question without one yields nothing."""
    loss, peak = (np.asarray(predicted[name], dtype=float) for name in (LOSS, PEAK))
    high = np.asarray(predicted[f"{LOSS}_high"], dtype=float)
    within = [place for place in places if _fits(predicted, place, wanted.budget)]
    if within:
        best = min(loss[place] for place in within)
        yield min((place for place in within if loss[place] <= wanted.noise.added(best, 1, 1)), key=peak.__getitem__)
    full = [each.configuration for each in references(predictor.record.space) if each.name == FULL_PRECISION]
    if full:
        limit = wanted.noise.added(float(predictor.predict(full)[LOSS].iloc[0]), 1, 1)
        yield from _least(peak, [place for place in places if loss[place] <= limit])
    yield from _least(peak, [place for place in places if high[place] < wanted.blind_loss])


def _least(peak: NDArray[np.float64], places: Sequence[int]) -> Iterator[int]:
    if places:
        yield min(places, key=peak.__getitem__)


def _fits(predicted: Any, place: int, budget: Mapping[str, float]) -> bool:
    """Returns whether even the upper end of what is predicted of each budgeted metric is within its limit."""
    return all(np.asarray(predicted[f"{name}_high"], dtype=float)[place] <= limit for name, limit in budget.items())
