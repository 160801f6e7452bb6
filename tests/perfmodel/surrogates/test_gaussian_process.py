"""The Gaussian process answers as scikit-learn's does, learns interplay, knows its noise, and refuses old files."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern

from perfmodel.errors import SchemaVersionError
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import training_data
from perfmodel.files.state_file import write_state
from perfmodel.surrogates import gaussian_process
from perfmodel.surrogates.additive import AdditiveSurrogate
from perfmodel.surrogates.gaussian_process import COLUMNS, GaussianProcessSurrogate


@pytest.fixture(scope="module")
def data_of(tiny, fake_traces):
    """Loss of so many configurations."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return lambda count, seed=0, **options: training_data(
        fake_traces(count, seed=seed, **options), "held_out_loss", featurizer
    )


def test_the_posterior_is_that_of_scikit_learn(data_of, monkeypatch):
    lengths, signal, slope, noise = np.linspace(1, 3, 6), 2.0, 0.2, 0.1
    monkeypatch.setattr(gaussian_process, "_most_likely", lambda *_: (lengths, signal, slope, noise))
    data, new = data_of(20), data_of(8, seed=4)
    posterior = (
        GaussianProcessSurrogate(log_target=True).fit(data.features, data.target, data.groups).posterior(new.features)
    )
    values, target = data.features.take(COLUMNS), np.log(data.target)
    centre, size = values.mean(axis=0), values.std(axis=0)
    kernel = ConstantKernel(signal) * Matern(lengths, nu=2.5) + ConstantKernel(slope) * DotProduct(0.0, "fixed")
    model = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
    model.fit((values - centre) / size, (target - target.mean()) / target.std())
    mean, spread = model.predict((new.features.take(COLUMNS) - centre) / size, return_std=True)
    np.testing.assert_allclose(posterior.location, target.mean() + target.std() * mean, rtol=1e-8)
    np.testing.assert_allclose(posterior.scale, target.std() * np.sqrt(spread**2 + noise), rtol=1e-8)


def test_interplay_is_learned(data_of):
    def interplay(data):
        return np.exp(-8 * data.features.column("pruning_rate") * data.features.column("mean_log2_rank") / 6)

    train, test = data_of(80), data_of(60, seed=2)
    errors = {}
    for kind in (AdditiveSurrogate, GaussianProcessSurrogate):
        model = kind(log_target=True).fit(train.features, interplay(train), train.groups)
        errors[kind.kind] = np.std(model.posterior(test.features).location - np.log(interplay(test)))
    assert errors["gaussian_process"] < 0.3 * errors["additive"]


def test_above_its_limit_a_random_subset_is_used(data_of, monkeypatch):
    data, test = data_of(60), data_of(40, seed=3)
    monkeypatch.setattr(gaussian_process, "LARGEST", 40)
    first, again, other = (
        GaussianProcessSurrogate(log_target=True, seed=seed)
        .fit(data.features, data.target, data.groups)
        .posterior(test.features)
        .location
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-6


def test_noise_is_not_below_what_repeats_show(data_of):
    data = data_of(40, seeds=3, noise=0.1)
    model = GaussianProcessSurrogate(log_target=True).fit(data.features, data.target, data.groups)
    assert model.posterior(data.features).noise == pytest.approx(0.1, rel=0.3)
    shifted = replace(data, target=data.target * 1000)
    again = GaussianProcessSurrogate(log_target=True).fit(shifted.features, shifted.target, shifted.groups)
    np.testing.assert_allclose(
        again.posterior(data.features).location, model.posterior(data.features).location + np.log(1000), rtol=1e-4
    )


def test_a_file_of_version_1_is_refused_with_what_to_do(tmp_path):
    write_state(tmp_path / "gaussian_process.json", "gaussian_process", 1, {"log_target": True, "basis": {}})
    with pytest.raises(SchemaVersionError, match=r"version 1.*make the gaussian_process again"):
        GaussianProcessSurrogate.load(tmp_path)
