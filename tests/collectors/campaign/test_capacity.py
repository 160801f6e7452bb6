"""The plan of few parameters and many tokens, and the plan of longer runs."""

import pytest

from collectors.campaign.capacity import LEARNING_RATES, RANKS, TRAIN_EXAMPLES, adapted_units, capacity
from collectors.campaign.design import design
from collectors.campaign.run_lengths import CONFIGURATIONS, STEPS, run_lengths
from datasets_cache.shelf.verify import known_architectures
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Space
from perfmodel.traces.trace import Setting

SETTING = Setting("model", "m" * 64, "task", "t" * 64, Recipe(steps=24, curve_points=2), "cpu")
ARCHITECTURE = known_architectures()["smollm2-135m"]


@pytest.mark.parametrize(("unit", "modules"), [("layer", 1), ("module", 4)])
def test_wherever_it_is_cut_the_ranks_are_compared_in_the_same_place_at_the_same_rate_and_examples(unit, modules):
    space = Space.for_architecture(ARCHITECTURE, unit=unit, ranks=(0, *RANKS))
    trials = capacity(space, SETTING, ARCHITECTURE, seeds=(0,))

    assert len(trials) == len({each.key for each in trials}) == len(RANKS) * len(LEARNING_RATES) * len(TRAIN_EXAMPLES)
    for start in range(0, len(trials), len(RANKS)):
        block = trials[start : start + len(RANKS)]
        assert {max(each.configuration.ranks) for each in block} == set(RANKS)
        assert len({each.setting for each in block}) == 1
    (place,) = {tuple(map(bool, each.configuration.ranks)) for each in trials}
    assert sum(place) == modules


def test_adapters_are_in_the_attention_of_one_layer():
    names = [(layer, each.name) for layer in range(30) for each in ARCHITECTURE.modules]

    assert {names[unit] for unit in adapted_units(210, ARCHITECTURE)} == {
        (20, f"{name}_proj") for name in ("q", "k", "v", "o")
    }
    assert adapted_units(30, ARCHITECTURE) == {20}


def test_ranks_that_the_space_lacks_are_left_out():
    space = Space.for_architecture(ARCHITECTURE, ranks=(0, 2))

    assert {max(each.configuration.ranks) for each in capacity(space, SETTING, ARCHITECTURE, seeds=(0,))} == {2}


def test_the_longer_runs_are_of_the_first_configurations_of_the_campaign():
    space = Space(30, DEFAULT_RATES, DEFAULT_BITS, DEFAULT_RANKS)
    trials = run_lengths(space, SETTING, seeds=(0, 1), plan_seed=1)
    campaign = {each.key for each in design(space, SETTING, seeds=(0, 1), plan_seed=1)}

    assert {each.key for each in trials[:CONFIGURATIONS]} <= campaign
    by_steps = [trials[start : start + CONFIGURATIONS] for start in range(0, len(trials), CONFIGURATIONS)]
    assert [{each.setting.recipe.steps for each in block} for block in by_steps] == [{steps} for steps in STEPS]
    assert len({tuple(each.configuration for each in block) for block in by_steps}) == 1
