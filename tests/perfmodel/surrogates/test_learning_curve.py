"""Loss at fewer steps: at recorded steps and between them."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import UserError
from perfmodel.predictor.predictor import Predictor
from perfmodel.surrogates.learning_curve import recorded_steps


def with_curve(trace, steps=(0, 15, 30)):
    """A trace whose loss falls as a power of 1 + step down to its final one."""
    final = trace.measured.held_out_loss
    losses = tuple(final * ((1 + step) / 31) ** -0.2 for step in steps)
    return replace(trace, measured=replace(trace.measured, curve_steps=steps, curve_losses=losses))


@pytest.fixture(scope="module")
def predictor(tiny, tiny_space, fake_traces):
    """Fitted to curves that are straight in the logarithm of 1 + step."""
    traces = [with_curve(trace) for trace in fake_traces(30)]
    return Predictor.fit(
        traces, tiny_space, tiny, metrics=("held_out_loss", "accuracy", "peak_memory_bytes"), surrogates=["additive"]
    )


@pytest.mark.parametrize("step", [0, 15, 30, 5, 22])
def test_the_loss_at_any_step_is_that_of_the_curve(predictor, draw_configurations, step):
    configurations = draw_configurations(20, seed=5)
    final, early = predictor.predict(configurations), predictor.predict(configurations, at=step)
    ratio = (early["held_out_loss"] / final["held_out_loss"]).to_numpy()
    np.testing.assert_allclose(ratio, ((1 + step) / 31) ** -0.2, rtol=0.02)
    assert "accuracy" not in early
    np.testing.assert_allclose(early["peak_memory_bytes"], final["peak_memory_bytes"], rtol=1e-12)


def test_curves_are_kept_in_the_files(predictor, draw_configurations, tmp_path):
    predictor.save(tmp_path)
    loaded = Predictor.load(tmp_path)
    assert loaded.record.curve_steps == (0, 15)
    configurations = draw_configurations(4, seed=5)
    assert loaded.predict(configurations, at=7).equals(predictor.predict(configurations, at=7))


def test_steps_that_no_curve_reaches_are_refused(predictor, draw_configurations, fake_traces):
    for step in (-1, 31):
        with pytest.raises(UserError, match="from step 0 to step 30"):
            predictor.predict(draw_configurations(1), at=step)
    traces = [with_curve(trace) for trace in fake_traces(3)]
    assert recorded_steps([*traces, with_curve(fake_traces(4)[3], (0, 30))]) == (0,)
    assert recorded_steps([]) == ()
