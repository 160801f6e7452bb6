"""The plan that asks when the rank matters: few trained parameters, many scored tokens.

A fine-tune's load is its scored answer tokens over its trained parameters. Where it is below 1, an adapter of any rank
can hold all that is seen, and rank is untested. Here adapters sit in the attention of one layer only, so that the load
of the small ranks is above 1. Each rank is tried at each learning rate, and so can be judged at its own best one; each
number of training examples tells how much there is to learn.
"""

from collections.abc import Sequence
from dataclasses import replace

from collectors.campaign.stratified_plan import unique
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Setting

SOURCE = "capacity"
"""What the trials are recorded as proposed by."""

RANKS = (1, 2, 4, 16)
"""The last is the reference: its load is below 1."""

LEARNING_RATES = (1e-3, 3e-3, 3e-4)
TRAIN_EXAMPLES = (6400, 100, 1600, 400)

DEPTH = 2 / 3
"""Of the layer with adapters: gradients need not go through the layers before it."""

BITS = 16


def capacity(space: Space, setting: Setting, architecture: Architecture, *, seeds: Sequence[int]) -> list[Asked]:
    """Returns the trials, so ordered that wherever they are cut short whole comparisons of the ranks have been run.

    Args:
        space: with rank 0, by layer or by module; ranks that it does not hold are left out.
        setting: with the recipe that is held fixed but for the learning rate and the number of training examples.
        architecture: of the base model, unpruned.
        seeds: of the trials; with each further one the plan is repeated.
    """
    adapted = adapted_units(space.units, architecture)
    plain = Configuration.uniform(space.units, bits=BITS, rank=0, methods=space.methods)
    ranks = [rank for rank in RANKS if rank in space.ranks]
    trials = []
    for seed in seeds:
        for examples in TRAIN_EXAMPLES:
            for rate in LEARNING_RATES:
                recipe = replace(setting.recipe, learning_rate=rate, train_examples=examples)
                for rank in ranks:
                    configuration = replace(plain, ranks=tuple(rank * (unit in adapted) for unit in range(space.units)))
                    trials.append(Asked(replace(setting, recipe=recipe), configuration, seed, SOURCE))
    return unique(trials)


def adapted_units(units: int, architecture: Architecture) -> set[int]:
    """Returns the units with adapters: the attention's modules of one layer, or the whole layer in a space by layer.

    Args:
        units: of the space, layers or linear modules over all layers.
        architecture: of the base model, unpruned.
    """
    layer = int(DEPTH * len(architecture.layers))
    if units == len(architecture.layers):
        return {layer}
    modules = architecture.modules
    return {layer * len(modules) + place for place, each in enumerate(modules) if each.parent == "self_attn"}
