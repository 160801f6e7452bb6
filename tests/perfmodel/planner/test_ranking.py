"""Plans ranked by a predictor: its own architecture with mixed choices, and refusals."""

from dataclasses import replace

import pytest

from perfmodel.errors import UserError
from perfmodel.memory.load import BatchLoad
from perfmodel.planner.planner import make_plan
from perfmodel.planner.question import Question
from perfmodel.planner.ranking import by_loss, narrowed
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.recipe import Recipe


@pytest.fixture(scope="module")
def predictor(tiny, tiny_space, fake_traces):
    return Predictor.fit(fake_traces(40), tiny_space, tiny, metrics=["held_out_loss"], surrogates=["additive"])


def question(architecture, budget=2**30, **changes):
    changes = {"ranks": (2, 8, 64), **changes}
    return Question(architecture, Recipe(), BatchLoad(2, 32, 64), budget, "cpu", **changes)


def test_choices_come_by_predicted_loss_with_the_predictor_s_own_intervals(predictor, tiny):
    plan = make_plan(question(tiny), predictor=predictor)
    losses = [choice.loss.value for choice in plan.choices]
    again = predictor.predict([choice.configuration for choice in plan.choices])

    assert plan.ranked_by == "predicted loss" and plan.predicted_for == predictor.setting.model
    assert losses == sorted(losses)
    assert losses == pytest.approx(list(again["held_out_loss"]))
    assert [choice.loss.low for choice in plan.choices] == pytest.approx(list(again["held_out_loss_low"]))
    assert all(choice.loss.low <= choice.loss.value <= choice.loss.high for choice in plan.choices)


def test_mixed_configurations_are_tried_on_the_predictor_s_own_architecture(predictor, tiny):
    ranked = by_loss(narrowed(question(tiny), predictor), predictor)

    assert len(ranked) > 5 * 3 * 6 + 100
    assert any(not configuration.is_uniform for configuration, _ in ranked)
    assert all(set(configuration.ranks) <= {2, 8, 64} for configuration, _ in ranked)


def test_a_limit_leaves_one_candidate(predictor, tiny):
    plan = make_plan(question(tiny, bits=(4,), ranks=(8,), rates=(0.0,)), predictor=predictor)

    assert plan.candidates == len(plan.choices) == 1


def test_a_predictor_that_cannot_answer_is_refused(predictor, tiny, tiny_space, fake_traces):
    for other in (replace(tiny, family="qwen2"), replace(tiny, hidden=256, layers=tiny.layers[:8])):
        with pytest.raises(
            UserError, match=rf"the predictor is of .*llama.*asked about is {other.family} of {len(other.layers)}"
        ):
            make_plan(question(other), predictor=predictor)
    with pytest.raises(UserError, match="the predictor knows 0, 2, 4"):
        make_plan(question(tiny, ranks=(3,)), predictor=predictor)
    blind = Predictor.fit(fake_traces(40), tiny_space, tiny, metrics=["peak_memory_bytes"], surrogates=["constant"])
    with pytest.raises(UserError, match="ranked by held_out_loss"):
        make_plan(question(tiny), predictor=blind)
