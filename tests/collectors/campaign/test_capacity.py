"""The plan of few parameters and many tokens, and the plan of longer runs."""

from collectors.campaign.capacity import LEARNING_RATES, RANKS, TRAIN_EXAMPLES, capacity
from collectors.campaign.design import design
from collectors.campaign.run_lengths import CONFIGURATIONS, STEPS, run_lengths
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Space
from perfmodel.traces.trace import Setting

SETTING = Setting("model", "m" * 64, "task", "t" * 64, Recipe(steps=24, curve_points=2), "cpu")
SPACE = Space(30, DEFAULT_RATES, DEFAULT_BITS, (0, *RANKS))


def test_wherever_it_is_cut_the_ranks_are_compared_at_the_same_rate_and_examples():
    trials = capacity(SPACE, SETTING, seeds=(0,))

    assert len(trials) == len({each.key for each in trials}) == len(RANKS) * len(LEARNING_RATES) * len(TRAIN_EXAMPLES)
    for start in range(0, len(trials), len(RANKS)):
        block = trials[start : start + len(RANKS)]
        assert {max(each.configuration.ranks) for each in block} == set(RANKS)
        assert len({each.setting for each in block}) == 1


def test_adapters_are_in_the_same_few_layers_for_every_rank():
    places = {tuple(map(bool, each.configuration.ranks)) for each in capacity(SPACE, SETTING, seeds=(0,))}

    assert len(places) == 1
    assert 1 <= sum(next(iter(places))) <= 3


def test_ranks_that_the_space_lacks_are_left_out_and_small_models_have_the_same_places():
    trials = capacity(Space(4, DEFAULT_RATES, DEFAULT_BITS, (0, 2)), SETTING, seeds=(0,))

    assert {max(each.configuration.ranks) for each in trials} == {2}
    assert trials[0].configuration.ranks[-1] == 2


def test_the_longer_runs_are_of_the_first_configurations_of_the_campaign():
    space = Space(30, DEFAULT_RATES, DEFAULT_BITS, DEFAULT_RANKS)
    trials = run_lengths(space, SETTING, seeds=(0, 1), plan_seed=1)
    campaign = {each.key for each in design(space, SETTING, seeds=(0, 1), plan_seed=1)}

    assert {each.key for each in trials[:CONFIGURATIONS]} <= campaign
    by_steps = [trials[start : start + CONFIGURATIONS] for start in range(0, len(trials), CONFIGURATIONS)]
    assert [{each.setting.recipe.steps for each in block} for block in by_steps] == [{steps} for steps in STEPS]
    assert len({tuple(each.configuration for each in block) for block in by_steps}) == 1
