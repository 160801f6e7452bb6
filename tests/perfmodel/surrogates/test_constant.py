"""The constant's numbers by hand."""

import numpy as np
import pytest

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.surrogates.constant import ConstantSurrogate


def test_mean_and_spread_by_hand():
    features = FeatureMatrix(("pruning_rate",), np.array([[0.0], [0.1], [0.2]]))
    model = ConstantSurrogate(log_target=False).fit(features, np.array([1.0, 2.0, 3.0]), np.arange(3))
    posterior = model.posterior(features)
    assert posterior.mean.tolist() == [2.0] * 3
    assert posterior.std[0] == pytest.approx(np.sqrt(4 / 3))


def test_log_target_centres_on_the_geometric_mean():
    features = FeatureMatrix(("pruning_rate",), np.array([[0.0], [0.1]]))
    model = ConstantSurrogate(log_target=True).fit(features, np.array([1.0, 4.0]), np.arange(2))
    assert np.exp(model.posterior(features).location[0]) == pytest.approx(2.0)
