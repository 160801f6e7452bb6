"""Other tasks help where they are alike, do no harm where they are not, and never hold what is asked about."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.transfer import TransferredSurrogate, transfer_points
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import training_data
from perfmodel.surrogates.registry import make_surrogate

TASKS = "other tasks"


@pytest.fixture(scope="module")
def source(tiny, fake_traces):
    """60 configurations of a task."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return training_data(fake_traces(60, noise=0.02), "held_out_loss", featurizer)


@pytest.fixture(scope="module")
def target(tiny, fake_traces):
    """The same 60 configurations on a noisier task of three times the loss, whose logarithm moves less far."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    made = training_data(fake_traces(60, noise=0.12, rate_gain=0.9, bits_gain=4.5), "held_out_loss", featurizer)
    return replace(made, target=3 * made.target, labels={"task": np.full(len(made.target), "new", dtype=object)})


@pytest.fixture(scope="module")
def points(target, source):
    found = transfer_points(target, [source], "additive", sizes=(0, 10, 20, 500))
    return {(point.traces, point.start): point for point in found}


def test_both_ways_are_shown_at_every_size_that_there_is(points):
    assert set(points) == {(0, TASKS), (10, TASKS), (10, "scratch"), (20, TASKS), (20, "scratch")}
    assert all(point.n_traces == 60 and point.task == "new" for point in points.values())


def test_without_own_traces_the_order_is_known_and_the_level_is_not(points):
    assert points[0, TASKS].spearman.value > 0.9
    assert points[0, TASKS].r2.value < 0
    assert points[0, TASKS].link_rmse.value > 0.8  # log 3 is 1.1


def test_ten_own_traces_settle_the_level_and_beat_starting_from_scratch(points):
    assert points[10, TASKS].r2.value > 0.6 > points[0, TASKS].r2.value
    assert points[10, TASKS].link_rmse.value < 0.85 * points[10, "scratch"].link_rmse.value
    assert points[20, TASKS].r2.value > points[20, "scratch"].r2.value


def test_an_unlike_source_does_little_harm(target, source):
    rng = np.random.default_rng(0)
    unlike = replace(source, target=rng.permutation(source.target))
    found = {(p.traces, p.start): p for p in transfer_points(target, [unlike], "additive", sizes=(20,))}
    assert found[20, TASKS].r2.value > found[20, "scratch"].r2.value - 0.3


def test_the_sources_never_hold_a_configuration_that_is_asked_about(target, source, monkeypatch):
    asked, fitted = [], []
    real = TransferredSurrogate.posterior
    name_of = {row.tobytes(): name for row, name in zip(target.features.values, target.groups, strict=True)}

    class Watched:
        def __init__(self, inner):
            self.inner = inner

        def fit(self, features, values, groups):
            fitted.append(set(groups))
            self.inner.fit(features, values, groups)
            return self

        def posterior(self, features):
            return self.inner.posterior(features)

    def noted(self, features):
        asked.append({name_of[row.tobytes()] for row in features.values} if self._noise is None else set())
        return real(self, features)

    monkeypatch.setattr(
        "perfmodel.evaluation.transfer.make_surrogate", lambda *a, **k: Watched(make_surrogate(*a, **k))
    )
    monkeypatch.setattr(TransferredSurrogate, "posterior", noted)
    transfer_points(target, [source], "constant", sizes=(0,))
    assert len(fitted) == len(asked) == 10
    assert all(len(rows) == 48 for rows in fitted)
    assert all(not (rows & configurations) for rows, configurations in zip(fitted, asked, strict=True))


def test_the_line_alone_is_used_below_twenty_traces(target, source):
    prior = make_surrogate("additive", "held_out_loss").fit(source.features, source.target, source.groups)
    model = TransferredSurrogate([prior], "additive", log_target=True)
    model.fit(target.features.rows(slice(12)), target.target[:12], target.groups[:12])
    mean = prior.posterior(target.features).location
    found = model.posterior(target.features).location
    slope = np.polyfit(mean, found, 1)
    np.testing.assert_allclose(np.polyval(slope, mean), found)
    assert 0.55 < slope[0] < 1  # 0.75 in truth


def test_too_little_to_go_by_is_refused(target, source):
    few = replace(source, groups=np.arange(len(source.groups)) % 9)
    with pytest.raises(NotEnoughTracesError, match="0 other tasks have 10"):
        transfer_points(target, [few], "additive")
    with pytest.raises(NotEnoughTracesError, match="9 configurations of the new task"):
        transfer_points(replace(target, groups=few.groups), [source], "additive")
    with pytest.raises(NotEnoughTracesError, match="no source task"):
        TransferredSurrogate([], "additive", log_target=True)
