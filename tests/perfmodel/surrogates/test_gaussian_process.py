"""The Gaussian process: its evidence against the textbook's formula, its kernel's parts, its posterior."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from perfmodel.features.columns import Featurizer
from perfmodel.features.hat_basis import depth_hats
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, SLOPES
from perfmodel.features.training_data import training_data
from perfmodel.surrogates import gaussian_process
from perfmodel.surrogates import marginal_likelihood as evidence
from perfmodel.surrogates.gaussian_process import GaussianProcessSurrogate
from perfmodel.surrogates.marginal_likelihood import maximise_evidence
from perfmodel.surrogates.rbf_features import GaussianBasis


@pytest.fixture(scope="module")
def data_of(tiny, fake_traces):
    """Loss of so many configurations."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return lambda count, seed=0, **options: training_data(
        fake_traces(count, seed=seed, **options), "held_out_loss", featurizer
    )


def test_the_evidence_and_its_slopes_are_those_of_the_normal_distribution():
    rng = np.random.default_rng(0)
    columns, target, member = rng.normal(size=(9, 5)), rng.normal(size=9), np.array([0, 0, 1, 1, 1])
    problem = evidence._Problem(columns, target, member, np.zeros(2))
    theta = np.array([0.3, -0.8, -1.1])

    def negative_log(theta):
        kernel = columns @ np.diag(np.exp(theta[:-1][member])) @ columns.T + np.exp(theta[-1]) * np.eye(9)
        return -multivariate_normal(np.zeros(9), kernel).logpdf(target)

    prior = ((theta[:-1] / evidence.PRIOR_SPREAD) ** 2).sum() / 2
    value, slope = problem.loss(theta)
    assert value - prior == pytest.approx(negative_log(theta) - 9 / 2 * np.log(2 * np.pi))
    for index in range(3):
        step = np.eye(3)[index] * 1e-5
        difference = (problem.loss(theta + step)[0] - problem.loss(theta - step)[0]) / 2e-5
        assert slope[index] == pytest.approx(difference, rel=1e-5)


def test_variances_are_found_where_there_are_enough_rows():
    rng = np.random.default_rng(1)
    columns, member = rng.normal(size=(3000, 60)), np.repeat([0, 1], 30)
    weights = rng.normal(size=60) * np.where(member == 0, 2.0, 0.2)
    found = maximise_evidence(columns, columns @ weights + 0.5 * rng.normal(size=3000), member, 0.0)
    assert found.noise == pytest.approx(0.25, rel=0.1)
    assert found.variances[0] == pytest.approx(4.0, rel=0.5)
    assert found.variances[-1] == pytest.approx(0.04, rel=0.5)


def test_hats_share_out_every_unit_and_are_smooth_over_depth():
    hats = depth_hats(30) * 30
    assert hats.shape == (30, 13) and hats.min() == 0
    for start, stop in ((0, 1), (1, 5), (5, 13)):
        np.testing.assert_allclose(hats[:, start:stop].sum(axis=1), 1.0)
    assert np.abs(np.diff(hats, axis=0)).max() < 0.3


def test_the_posterior_is_the_process_s(data_of):
    """Location and spread against the n x n formulas of the textbook, with the kernel that the basis spans."""
    data = data_of(20)
    matrix = FeatureMatrix.of(data.features)
    model = GaussianProcessSurrogate(log_target=True).fit(data.features, data.target, data.groups)
    process = model._process
    ridge, basis = process.ridge, process.basis
    new = FeatureMatrix.of(data_of(8, seed=4).features)
    old_columns, new_columns = (
        (basis.values(each)[:, ridge.kept] - ridge.centre) / ridge.scale for each in (matrix, new)
    )
    prior = np.linalg.inv(np.linalg.inv(ridge.inverse) - old_columns.T @ old_columns)  # variances over the noise
    kernel = old_columns @ prior @ old_columns.T + np.eye(20)
    cross = new_columns @ prior @ old_columns.T
    target = np.log(data.target) - np.log(data.target).mean()
    posterior = model.posterior(new)
    inside = (posterior.location > ridge.bounds[0] + 1e-9) & (posterior.location < ridge.bounds[1] - 1e-9)
    wanted = np.log(data.target).mean() + cross @ np.linalg.solve(kernel, target)
    assert inside.sum() >= 6
    np.testing.assert_allclose(posterior.location[inside], wanted[inside], rtol=1e-6)
    variance = np.diag(new_columns @ prior @ new_columns.T - cross @ np.linalg.solve(kernel, cross.T))
    missing = process.bump_variance * basis.missing_variance(basis.values(new))
    wanted = np.sqrt(ridge.noise * (1 + variance + 1 / 20) + missing)
    np.testing.assert_allclose(posterior.scale[inside], wanted[inside], rtol=1e-6)


def test_interplay_is_learned(data_of):
    """Where rate and rank act only together, it beats the additive model that it starts from."""
    from perfmodel.surrogates.additive import AdditiveSurrogate

    def interplay(data):
        rate, rank = data.features["pruning_rate"].to_numpy(), data.features["mean_log2_rank"].to_numpy()
        return np.exp(-8 * rate * (rank / 6))  # no loss rises with rank

    train, test = data_of(80), data_of(60, seed=2)
    errors = {}
    for kind in (AdditiveSurrogate, GaussianProcessSurrogate):
        model = kind(log_target=True, slopes=SLOPES["held_out_loss"])
        model.fit(train.features, interplay(train), train.groups)
        errors[kind.kind] = np.std(model.posterior(test.features).location - np.log(interplay(test)))
    assert errors["gaussian_process"] < 0.3 * errors["additive"]


def test_far_from_the_centres_the_bumps_variance_comes_back(data_of):
    data = data_of(60)
    matrix = FeatureMatrix.of(data.features)
    basis = GaussianBasis.of(matrix, FREE, 0.35, log=True)
    assert len(basis.centres) == 32
    near = basis.missing_variance(basis.values(matrix))
    far = data.features.copy()
    far["pruning_rate"] = 5.0
    assert near.min() < 1e-4 < 0.999 < basis.missing_variance(basis.values(FeatureMatrix.of(far))).min()


def test_above_its_limit_the_variances_come_from_a_subset(data_of, monkeypatch):
    data = data_of(60)
    whole = GaussianProcessSurrogate(log_target=True).fit(data.features, data.target, data.groups)
    monkeypatch.setattr(gaussian_process, "LARGEST", 40)
    first, again, other = (
        GaussianProcessSurrogate(log_target=True, seed=seed).fit(data.features, data.target, data.groups)
        for seed in (0, 0, 1)
    )
    test = data_of(40, seed=3)
    locations = [model.posterior(test.features).location for model in (first, again, other, whole)]
    np.testing.assert_array_equal(locations[0], locations[1])
    assert np.abs(locations[0] - locations[2]).max() > 1e-6
    assert np.std(locations[0] - np.log(test.target)) < 2 * np.std(locations[3] - np.log(test.target))
    assert first._process.ridge.configurations == 60


def test_noise_is_not_below_what_repeats_show(data_of):
    data = data_of(40, seeds=3, noise=0.1)
    model = GaussianProcessSurrogate(log_target=True).fit(data.features, data.target, data.groups)
    assert model.posterior(data.features).noise == pytest.approx(0.1, rel=0.3)
    shifted = replace(data, target=data.target * 1000)
    again = GaussianProcessSurrogate(log_target=True).fit(shifted.features, shifted.target, shifted.groups)
    np.testing.assert_allclose(
        again.posterior(data.features).location, model.posterior(data.features).location + np.log(1000), rtol=1e-4
    )
