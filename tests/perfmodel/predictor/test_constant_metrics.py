"""A metric that is constant or nearly so ends no fit: it is left out, or its interval is finite."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError
from perfmodel.predictor.predictor import Predictor

METRICS = ("held_out_loss", "accuracy")


def with_values(traces, metric, values):
    return [
        replace(trace, measured=replace(trace.measured, **{metric: value}))
        for trace, value in zip(traces, values, strict=True)
    ]


def fitted(traces, space, architecture):
    return Predictor.fit(traces, space, architecture, metrics=METRICS, surrogates=["constant", "additive", "damage"])


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_what_has_one_value_is_left_out(tiny, tiny_space, fake_traces, value):
    traces = with_values(fake_traces(14), "accuracy", [value] * 14)
    assert fitted(traces, tiny_space, tiny).metrics == ("held_out_loss",)
    with pytest.raises(NotEnoughTracesError, match="accuracy have one value each"):
        Predictor.fit(traces, tiny_space, tiny, metrics=["accuracy"])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("others", [1, 7])
@pytest.mark.parametrize("gap", [1e-12, 0.25])
def test_what_hardly_varies_has_a_finite_interval_and_is_kept(
    tiny, tiny_space, fake_traces, tmp_path, metric, others, gap
):
    values = [0.5 + gap * (place < others) for place in range(14)]
    predictor = fitted(with_values(fake_traces(14), metric, values), tiny_space, tiny)
    predictor.save(tmp_path)
    again = Predictor.load(tmp_path).predict_arrays(np.zeros((3, 1 + 2 * tiny_space.units), dtype=np.int64))
    place = again.metrics.index(metric)
    for part in (again.mean, again.std, again.low, again.high):
        assert np.isfinite(part[:, place]).all()
