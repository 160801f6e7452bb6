"""The pilot before a campaign: one axis at a time around uniform NF4 of rank 8, to choose recipes and tasks by.

    bits, rank, pruning_rate    of every layer
    adapted layers              every other layer, or the first half, without an adapter
    rank, alpha = 2 x rank      the rank where alpha grows with it, which makes it a step size
    learning rate, steps        of the recipe

The middle is run with every seed: an effect is judged against what a change of seed does (``perfmodel.axis_effects``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from collectors.campaign.stratified_plan import unique
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Setting

SOURCE = "pilot"
"""What the trials are recorded as proposed by."""

MIDDLE = (4, 8)
"""Bits and rank of the configuration that one axis after the other departs from."""

BITS = (2, 3, 16)
RANKS = (2, 32)
RATES = (0.1, 0.3)
LEARNING_RATE_FACTORS = (1 / 3, 3.0)
STEPS = (60, 200)


def pilot(space: Space, setting: Setting, *, seeds: Sequence[int], steps: Sequence[int] = STEPS) -> list[Asked]:
    """Returns the trials of a pilot on one task, quick ones first.

    Args:
        space: legal configurations; uniform choices outside it are left out.
        setting: model, task, device class, and the recipe of the middle configuration.
        seeds: seeds of the middle, at least one; the other trials are run with the first.
        steps: numbers of steps to try, each 1 or more.
    """
    bits, rank = MIDDLE
    middle = Configuration.uniform(space.units, bits=bits, rank=rank, methods=space.methods)
    trials = [Asked(setting, middle, seed, SOURCE) for seed in seeds]
    departures = [*_of_configuration(space, middle), *_layers_without_adapter(space, middle)]
    trials += [Asked(setting, each, seeds[0], SOURCE) for each in departures]
    rate = setting.recipe.learning_rate
    for factor in LEARNING_RATE_FACTORS:
        trials.append(Asked(_with_recipe(setting, learning_rate=rate * factor), middle, seeds[0], SOURCE))
    growing = _with_recipe(setting, alpha_rule="twice_rank")
    for each in RANKS:
        if each in space.ranks:
            trials.append(Asked(growing, replace(middle, ranks=(each,) * space.units), seeds[0], SOURCE))
    for count in sorted(steps):
        trials.append(Asked(_with_recipe(setting, steps=count), middle, seeds[0], SOURCE))
    return unique(trials)


def _of_configuration(space: Space, middle: Configuration) -> Iterator[Configuration]:
    for bits in BITS:
        if bits in space.bits:
            yield replace(middle, bits=(bits,) * space.units)
    for rank in RANKS:
        if rank in space.ranks:
            yield replace(middle, ranks=(rank,) * space.units)
    for rate in RATES:
        if rate in space.pruning_rates:
            yield replace(middle, pruning_rate=rate)


def _layers_without_adapter(space: Space, middle: Configuration) -> Iterator[Configuration]:
    if 0 in space.ranks and space.units > 1:
        yield replace(middle, ranks=tuple(rank * (unit % 2) for unit, rank in enumerate(middle.ranks)))
        yield replace(middle, ranks=tuple(rank * (2 * unit >= space.units) for unit, rank in enumerate(middle.ranks)))


def _with_recipe(setting: Setting, **changes: Any) -> Setting:
    return replace(setting, recipe=replace(setting.recipe, **changes))
