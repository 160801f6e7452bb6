"""The plan that asks what a short run tells of a long one: the same configurations at several numbers of steps.

The configurations are the first of a published campaign, so that its own short runs count.
"""

from collections.abc import Sequence
from dataclasses import replace

from collectors.campaign.design import design
from collectors.campaign.stratified_plan import unique
from perfmodel.space.space import Space
from perfmodel.traces.trace import Asked, Setting

CONFIGURATIONS = 12
STEPS = (24, 100, 300)


def run_lengths(space: Space, setting: Setting, *, seeds: Sequence[int], plan_seed: int) -> list[Asked]:
    """Returns the trials, the short ones first, with the first seed.

    Args:
        space: by layer.
        setting: with the recipe that is held fixed but for its steps.
        seeds: of the campaign whose first configurations are taken.
        plan_seed: of the campaign's stratified draws.
    """
    campaign = design(space, setting, seeds=seeds, plan_seed=plan_seed)
    first = [asked for asked in campaign if asked.seed == seeds[0]][:CONFIGURATIONS]
    recipes = [replace(setting.recipe, steps=steps, schedule_steps=None) for steps in STEPS]
    return unique(replace(asked, setting=replace(setting, recipe=recipe)) for recipe in recipes for asked in first)
