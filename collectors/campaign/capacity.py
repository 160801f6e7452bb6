"""The plan that asks when the rank matters: few trained parameters, many scored tokens.

A fine-tune's load is its scored answer tokens over its trained parameters. Where it is below 1, an adapter of any rank
can hold all that is seen, and rank is untested. Here adapters sit in a few layers only, so that the load of the small
ranks is above 1. Each rank is tried at each learning rate, and so can be judged at its own best one; each number of
training examples tells how much there is to learn.
"""

from collections.abc import Sequence
from dataclasses import replace

from collectors.campaign.stratified_plan import unique
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Setting

SOURCE = "capacity"
"""What the trials are recorded as proposed by."""

RANKS = (1, 2, 4, 16)
"""The last is the reference: its load is below 1."""

LEARNING_RATES = (1e-3, 3e-3, 3e-4)
TRAIN_EXAMPLES = (6400, 100, 1600, 400)

ADAPTED = (15, 29)
"""Of 30 layers those with adapters, counted from 0; of another number those in the same places."""

BITS = 16


def capacity(space: Space, setting: Setting, *, seeds: Sequence[int]) -> list[Asked]:
    """Returns the trials, so ordered that wherever they are cut short whole comparisons of the ranks have been run.

    Args:
        space: by layer, with rank 0; ranks that it does not hold are left out.
        setting: with the recipe that is held fixed but for the learning rate and the number of training examples.
        seeds: of the trials; with each further one the plan is repeated.
    """
    adapted = {round(place * (space.units - 1) / 29) for place in ADAPTED}
    trials = []
    for seed in seeds:
        for examples in TRAIN_EXAMPLES:
            for rate in LEARNING_RATES:
                recipe = replace(setting.recipe, learning_rate=rate, train_examples=examples)
                for rank in RANKS:
                    if rank in space.ranks and 0 in space.ranks:
                        ranks = tuple(rank * (unit in adapted) for unit in range(space.units))
                        uniform = Configuration.uniform(space.units, bits=BITS, rank=0, methods=space.methods)
                        asked = Asked(replace(setting, recipe=recipe), replace(uniform, ranks=ranks), seed, SOURCE)
                        trials.append(asked)
    return unique(trials)
