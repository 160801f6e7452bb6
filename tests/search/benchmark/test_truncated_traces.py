"""A training cut short is read off its own learning curve, and costs its steps and evaluations."""

from collections.abc import Callable

import pytest

from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Trace
from search.benchmark.truncated_traces import cut_short, shares, trial_seconds

Make = Callable[..., Trace]
UNIFORM = Configuration.uniform(2, bits=4, rank=8)


def test_loss_of_a_share_is_that_of_its_step(make_trace: Make) -> None:
    trace = make_trace(UNIFORM, loss=2.0, curve_accuracies=(0.0, 0.25, 0.5), accuracy=0.5)
    early = cut_short(trace, 0.5)
    assert (early.measured.held_out_loss, early.measured.accuracy) == (3.0, 0.25)
    assert early.measured.peak_memory_bytes == trace.measured.peak_memory_bytes
    assert cut_short(trace, 1.0) is trace
    with pytest.raises(UserError, match="step 6"):
        cut_short(trace, 0.25)


def test_an_accuracy_that_was_not_recorded_stays_unknown(make_trace: Make) -> None:
    assert cut_short(make_trace(UNIFORM, accuracy=0.5), 0.5).measured.accuracy is None


def test_shares_are_those_that_all_curves_have(make_trace: Make) -> None:
    longer = make_trace(UNIFORM, 1, curve_steps=(0, 6, 12, 24), curve_losses=(3.0, 2.0, 1.5, 1.0))
    assert shares([make_trace(UNIFORM), longer]) == (0.5, 1.0)
    assert shares([longer]) == (0.25, 0.5, 1.0)
    with pytest.raises(NotEnoughTracesError):
        shares([])


def test_seconds_are_preparation_steps_and_evaluations(make_trace: Make) -> None:
    trace = make_trace(UNIFORM)
    assert trial_seconds(trace, 1.0) == 5 + 24 * 2 + 3 * 1
    assert trial_seconds(trace, 0.5) == 5 + 12 * 2 + 2 * 1
    assert trial_seconds(make_trace(UNIFORM, step_time_s=None), 1.0) is None
