"""Probability of ending well: known answers where all do, and a slope where some do not."""

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError
from perfmodel.features.featurizer import Featurizer
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.surrogates.feasibility import Feasibility


@pytest.fixture(scope="module")
def features_of(tiny):
    """Features of the traces' configurations."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return lambda traces: featurizer.matrix(
        ConfigurationArrays.from_configurations([trace.asked.configuration for trace in traces])
    )


def test_where_all_ended_well_the_interval_says_how_few_they_were(fake_traces, features_of):
    for count, mean, low, high in ((20, 20.5 / 21, 0.90970, 0.99990), (40, 40.5 / 41, 0.95348, 0.99995)):
        traces = fake_traces(count)
        model = Feasibility.fit(traces, features_of(traces))
        found = model.probability(features_of(traces[:3]))
        np.testing.assert_allclose([values[0] for values in found], [mean, low, high], atol=2e-4)
        assert (model.ended_well, model.failed) == (count, 0)


def test_runs_of_one_configuration_count_once(fake_traces, features_of, failed):
    traces = fake_traces(10, seeds=3)
    traces[4] = failed(traces[4])
    model = Feasibility.fit(traces, features_of(traces))
    assert (model.ended_well, model.failed) == (9, 1)


def test_what_fails_is_found(fake_traces, features_of, failed):
    def broken(traces):
        return [failed(trace) if np.mean(trace.asked.configuration.ranks) > 14 else trace for trace in traces]

    traces, others = broken(fake_traces(120)), broken(fake_traces(120, seed=5))
    model = Feasibility.fit(traces, features_of(traces))
    mean, low, high = model.probability(features_of(others))
    ok = np.array([trace.ok for trace in others])
    assert 0.2 < ok.mean() < 0.8
    assert mean[ok].mean() > mean[~ok].mean() + 0.5
    assert np.mean((mean > 0.5) == ok) > 0.85
    assert (low <= mean).all() and (mean <= high).all() and (low > 0).all() and (high < 1).all()
    again = Feasibility.from_dict(model.to_dict()).probability(features_of(others))
    np.testing.assert_array_equal(mean, again[0])


def test_the_predictor_says_it(tiny, tiny_space, fake_traces, draw_configurations, tmp_path):
    predictor = Predictor.fit(
        fake_traces(20), tiny_space, tiny, metrics=("peak_memory_bytes",), surrogates=["constant"]
    )
    predictor.save(tmp_path)
    table = Predictor.load(tmp_path).probability_ok(draw_configurations(3))
    assert list(table.columns) == ["ok", "ok_low", "ok_high"]
    assert table["ok"].to_numpy() == pytest.approx(20.5 / 21)
    assert (table["ok_high"] < 1).all()


def test_no_traces_are_refused(features_of, fake_traces):
    with pytest.raises(NotEnoughTracesError):
        Feasibility.fit([], features_of(fake_traces(1)))
