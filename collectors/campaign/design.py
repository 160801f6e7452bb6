"""The design of a published campaign: which configurations of a space are fine-tuned, and in which order.

    uniform     every width at three ranks, and every pruning rate at three widths: main effects, one axis at a time
    probe       one layer at a time at the lowest width, or without its adapter, beside a good uniform configuration
    sparse      adapters in one layer or a few: what is learnt at all hangs on them, and no other block asks
    near        stratified over the part of the space that keeps quality: most of a search's time is spent there
    high        stratified over the two greatest widths: mean bits that the other draws hardly reach
    plan        stratified over the whole space
    repeats     every seed on a tenth of them all, spread over the blocks and so over quality

Blocks are dealt evenly: wherever a campaign is cut short, about the same share of each has been run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from collectors.campaign.stratified_plan import unique
from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Setting

UNIFORM_RANKS = (2, 8, 32)
PRUNED_WIDTHS = (16, 4, 3)
PROBED = (8, 8)
"""Bits and rank of the configuration that probes lower in one layer."""

PROBE_EVERY = 3
"""Of so many layers one is probed."""

SPARSE_BITS = (16, 4)
SPARSE_EVERY = (10, 5)
"""Of so many layers one has an adapter, beside those with one in the first or in the last layer only."""

NEAR_BITS = (3, 4, 8, 16)
NEAR_RATES = (0.0, 0.1, 0.2)

HIGH_WIDTHS = 2


@dataclass(frozen=True)
class DesignSize:
    """How many configurations the stratified blocks hold, and how many of all are repeated.

    Args:
        near: of the block ``near``.
        high: of the block ``high``.
        plan: of the block ``plan``.
        repeat_every: of so many configurations one is run with every seed.
    """

    near: int = 24
    high: int = 18
    plan: int = 40
    repeat_every: int = 8


DEFAULT_SIZE = DesignSize()


def design(
    space: Space, setting: Setting, *, seeds: Sequence[int], plan_seed: int, size: DesignSize = DEFAULT_SIZE
) -> list[Asked]:
    """Returns the trials of a campaign on one task, in the order in which they teach most.

    Args:
        space: by layer; choices of the blocks that it does not hold are left out.
        setting: what is held fixed.
        seeds: of the trials: the first for all, the rest for the repeated ones.
        plan_seed: of the stratified draws.
        size: of the blocks.
    """
    blocks = {
        "uniform": list(_uniform(space)),
        "probe": list(_probes(space)),
        "sparse": list(_sparse(space)),
        "near": stratified(_near(space), size.near, plan_seed) if size.near else [],
        "high": stratified(_high(space), size.high, plan_seed) if size.high else [],
        "plan": stratified(space, size.plan, plan_seed) if size.plan else [],
    }
    dealt: list[tuple[float, Asked]] = []
    for source, configurations in blocks.items():
        dealt += _evenly([Asked(setting, each, seeds[0], source) for each in configurations])
        repeated = configurations[:: size.repeat_every]
        dealt += _evenly([Asked(setting, each, seed, source) for each in repeated for seed in seeds[1:]])
    return unique([trial for _, trial in sorted(dealt, key=lambda each: each[0])])


def _evenly(trials: Sequence[Asked]) -> list[tuple[float, Asked]]:
    """Returns each trial with its place between 0 and 1 in the campaign."""
    return [((place + 0.5) / len(trials), trial) for place, trial in enumerate(trials)]


def _uniform(space: Space) -> Iterator[Configuration]:
    for bits in sorted(space.bits, reverse=True):
        for rank in UNIFORM_RANKS:
            if rank in space.ranks:
                yield Configuration.uniform(space.units, bits=bits, rank=rank, methods=space.methods)
    for rate in space.pruning_rates:
        for bits in PRUNED_WIDTHS:
            if rate and bits in space.bits and PROBED[1] in space.ranks:
                yield Configuration.uniform(
                    space.units, bits=bits, rank=PROBED[1], pruning_rate=rate, methods=space.methods
                )


def _probes(space: Space) -> Iterator[Configuration]:
    bits, rank = PROBED
    if bits not in space.bits or rank not in space.ranks:
        return
    usual = Configuration.uniform(space.units, bits=bits, rank=rank, methods=space.methods)
    for unit in range(0, space.units, PROBE_EVERY):
        if min(space.bits) < bits:
            yield replace(usual, bits=_with(usual.bits, unit, min(space.bits)))
    for unit in range(0, space.units, 2 * PROBE_EVERY):
        if 0 in space.ranks:
            yield replace(usual, ranks=_with(usual.ranks, unit, 0))


def _sparse(space: Space) -> Iterator[Configuration]:
    rank = PROBED[1]
    if not {0, rank} <= set(space.ranks):
        return
    last = space.units - 1
    adapted = [{0}, {last}, *(set(range(last, -1, -every)) for every in SPARSE_EVERY)]
    for bits in SPARSE_BITS:
        if bits in space.bits:
            usual = Configuration.uniform(space.units, bits=bits, rank=rank, methods=space.methods)
            for units in adapted:
                yield replace(usual, ranks=tuple(rank * (unit in units) for unit in range(space.units)))


def _with(values: tuple[int, ...], unit: int, value: int) -> tuple[int, ...]:
    return (*values[:unit], value, *values[unit + 1 :])


def _near(space: Space) -> Space:
    """Returns the part of the space that keeps quality, or all of it where it holds no such choices."""
    return replace(
        space,
        bits=tuple(each for each in space.bits if each in NEAR_BITS) or space.bits,
        pruning_rates=tuple(each for each in space.pruning_rates if each in NEAR_RATES) or space.pruning_rates,
    )


def _high(space: Space) -> Space:
    """Returns the part of the space with its greatest widths only, in which means are nearly even over bits."""
    return replace(space, bits=space.bits[-HIGH_WIDTHS:])
