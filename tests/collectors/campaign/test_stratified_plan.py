"""What a campaign makes, and in which order."""

from dataclasses import replace

import pytest

from collectors.campaign.stratified_plan import BASELINES, baselines, plan, unique
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Setting

SETTING = Setting("tiny", "0" * 64, "sums", "1" * 64, Recipe(), "cpu")
SPACE = Space(8)
UNIFORM = [Configuration.uniform(8, bits=bits, rank=rank) for bits, rank in BASELINES.values()]


def make(**changes):
    wanted = {"configurations": 12, "repeated": 3, "seeds": (5, 6, 7), **changes}
    return plan(SPACE, SETTING, **wanted)


def test_the_space_is_covered_before_anything_is_repeated():
    trials = make()
    first = trials[: 7 + 12]
    assert {asked.seed for asked in first} == {5}
    assert [asked.configuration for asked in first[:7]] == UNIFORM
    assert [asked.source for asked in first] == ["baseline"] * 7 + ["plan"] * 12
    assert len({asked.configuration for asked in first}) == 19
    assert [asked.seed for asked in trials[19:]] == [6] * 10 + [7] * 10


def test_every_further_seed_repeats_baselines_and_the_first_of_the_others():
    trials = make()
    repeated = UNIFORM + [asked.configuration for asked in trials[7:10]]
    assert [asked.configuration for asked in trials[19:29]] == repeated
    assert [asked.configuration for asked in trials[29:]] == repeated
    assert len(trials) == 19 + 2 * 10


def test_keys_are_unique_and_the_setting_is_everyone_s():
    trials = make()
    assert len({asked.key for asked in trials}) == len(trials)
    assert {asked.setting for asked in trials} == {SETTING}


def test_the_same_plan_seed_gives_the_same_plan():
    assert make(plan_seed=1) == make(plan_seed=1)
    assert make(plan_seed=1) != make(plan_seed=2)


def test_baselines_may_be_left_out():
    trials = make(with_baselines=False)
    assert {asked.source for asked in trials} == {"plan"}
    assert len(trials) == 12 + 2 * 3


def test_baselines_alone():
    assert [asked.configuration for asked in make(configurations=0, repeated=0, seeds=(1,))] == UNIFORM


@pytest.mark.parametrize(
    ("space", "names"),
    [
        (SPACE, list(BASELINES)),
        (Space(8, bits=(2, 4)), ["QLoRA NF4 r8", "QLoRA NF4 r16", "QLoRA NF4 r64", "HQQ 2-bit r8"]),
        (Space(8, ranks=(0, 8)), ["LoRA 16-bit r8", "int8 r8", "QLoRA NF4 r8", "HQQ 3-bit r8", "HQQ 2-bit r8"]),
        (Space(8, pruning_rates=(0.1, 0.2)), []),
    ],
)
def test_only_baselines_of_the_space_are_run(space, names):
    found = baselines(space)
    assert list(found) == names
    for name, configuration in found.items():
        space.validate(configuration)
        assert configuration.is_uniform
        assert (configuration.bits[0], configuration.ranks[0]) == BASELINES[name]


def test_a_repeated_key_stays_where_it_first_stood():
    first = Asked(SETTING, UNIFORM[0], 0, "baseline")
    second = Asked(SETTING, UNIFORM[1], 0, "baseline")
    again = replace(first, source="plan")
    assert again.key == first.key
    assert unique([first, second, again]) == [first, second]
