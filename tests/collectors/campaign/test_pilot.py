"""A pilot departs from its middle in one axis at a time."""

from collectors.campaign.pilot import SOURCE, pilot
from perfmodel.effects.one_at_a_time import one_at_a_time
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Configuration, Space
from perfmodel.traces.trace import Measured, RanOn, Setting, Trace

SETTING = Setting("model", "m" * 64, "task", "t" * 64, Recipe(steps=24, curve_points=2), "cpu")
SPACE = Space(30, DEFAULT_RATES, DEFAULT_BITS, DEFAULT_RANKS)
MIDDLE = Configuration.uniform(30, bits=4, rank=8)
RAN_ON = RanOn("cpu", "", 1, 1, {}, "0", "2026-01-01T00:00:00+00:00", "test")


def test_every_axis_is_departed_from_alone():
    trials = pilot(SPACE, SETTING, seeds=(0, 1, 2, 3))
    traces = [Trace(each, Measured("ok", held_out_loss=1.0), RAN_ON) for each in trials]
    found = one_at_a_time(traces, MIDDLE, SETTING.recipe)

    assert {each.source for each in trials} == {SOURCE} and len({each.key for each in trials}) == len(trials)
    assert found.runs == 4
    assert len(found.found) == len(trials) - 4  # nothing departs in two axes, or in one without a name
    values = {}
    for each in found.found:
        values.setdefault(each.axis, []).append(each.value)
    assert values == {
        "bits": ["2", "3", "16"],
        "layers without adapter": ["every other", "the first half"],
        "learning rate": ["0.000333", "0.003"],
        "pruning rate": ["0.1", "0.3"],
        "rank": ["2", "32"],
        "rank, alpha = 2 x rank": ["2", "32"],
        "steps": ["60", "200"],
    }


def test_alpha_by_rank_is_the_same_at_the_middle_rank():
    growing = [each for each in pilot(SPACE, SETTING, seeds=(0,)) if each.setting.recipe.alpha_rule == "twice_rank"]
    assert {each.configuration.ranks[0] for each in growing} == {2, 32}
    assert growing[0].setting.recipe.scaling_alpha(8) == SETTING.recipe.scaling_alpha(8) == 16


def test_what_the_space_does_not_hold_is_left_out():
    trials = pilot(Space(4, (0.0,), (4, 16), (8,)), SETTING, seeds=(0,), steps=())
    assert {(each.configuration.bits[0], each.configuration.ranks) for each in trials} == {
        (4, (8,) * 4),
        (16, (8,) * 4),
    }
    assert {each.setting.recipe.steps for each in trials} == {24}
