"""scikit-learn's own checks of a regressor, and that it predicts what the surrogate does."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from perfmodel.errors import UnknownNameError
from perfmodel.evaluation.splits import ConfigurationFolds
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import training_data
from perfmodel.predictor.regressor import SurrogateRegressor
from perfmodel.surrogates.registry import surrogate_class


@parametrize_with_checks([SurrogateRegressor("additive")])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data(tiny, fake_traces):
    return training_data(
        fake_traces(40, seeds=2), "held_out_loss", Featurizer(tiny, device_class="cuda", optimizer="adamw")
    )


def test_it_predicts_what_the_surrogate_does(data):
    model = SurrogateRegressor("additive", log_target=True).fit(data.features.frame(), data.target, data.groups)
    posterior = (
        surrogate_class("additive")(log_target=True)
        .fit(data.features, data.target, data.groups)
        .posterior(data.features)
    )
    mean, std = model.predict(data.features.frame(), return_std=True)
    np.testing.assert_array_equal(mean, posterior.mean)
    np.testing.assert_array_equal(std, posterior.std)


def test_groups_count_runs_of_one_configuration_once(data):
    apart = SurrogateRegressor("constant").fit(data.features.frame(), data.target)
    np.testing.assert_allclose(apart.predict(data.features.frame()), data.target.mean())
    with_groups = SurrogateRegressor("additive").fit(data.features.frame(), data.target, data.groups)
    without = SurrogateRegressor("additive").fit(data.features.frame(), data.target)
    assert not np.allclose(with_groups.predict(data.features.frame()), without.predict(data.features.frame()))


def test_it_goes_through_scikit_learn_with_our_splits(data):
    scores = cross_val_score(
        SurrogateRegressor("additive", log_target=True),
        data.features.frame(),
        data.target,
        groups=data.groups,
        cv=ConfigurationFolds(4),
    )
    assert scores.min() > 0.8
    search = GridSearchCV(SurrogateRegressor(), {"surrogate": ["constant", "additive"]}, cv=ConfigurationFolds(3))
    assert search.fit(data.features.frame(), data.target, groups=data.groups).best_params_ == {"surrogate": "additive"}


def test_an_unknown_surrogate_is_refused(data):
    with pytest.raises(UnknownNameError, match="oracle"):
        SurrogateRegressor("oracle").fit(data.features.frame(), data.target)
