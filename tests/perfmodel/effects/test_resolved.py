"""A prediction says along which axes it tells nothing apart."""

from perfmodel.effects.resolved import unresolved_axes, unresolved_text


def test_an_axis_without_an_effect_is_named_and_one_with_an_effect_is_not(fake_traces):
    found = unresolved_axes(fake_traces(60, seeds=3, repeated=20), ["held_out_loss", "peak_memory_bytes"])
    assert found == {"held_out_loss": ("rank",)}
    assert unresolved_text(found, ["held_out_loss", "peak_memory_bytes"]) == "held_out_loss: rank"


def test_a_rank_that_helps_is_resolved(fake_traces):
    found = unresolved_axes(fake_traces(60, seeds=3, repeated=20, rank_gain=0.1), ["held_out_loss"])
    assert found == {"held_out_loss": ()}
    assert unresolved_text(found, ["held_out_loss"]) == ""


def test_without_repeated_runs_nothing_is_judged_and_it_says_so(fake_traces):
    found = unresolved_axes(fake_traces(30, seeds=1), ["held_out_loss", "accuracy"])
    assert found == {}
    assert unresolved_text(found, ["held_out_loss", "accuracy"]) == "held_out_loss: not judged; accuracy: not judged"
