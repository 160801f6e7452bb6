"""Trees as arrays: the leaves of XGBoost's own prediction, and a file that keeps them."""

import numpy as np
import pytest
import xgboost

from perfmodel.errors import CorruptFileError
from perfmodel.surrogates.tree_bag import CHUNK, TreeBag


@pytest.fixture(scope="module")
def boosters():
    """Three boosters of trees of up to four levels on 80 rows."""
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=(80, 5)), rng.normal(size=80)
    parameters = {"max_depth": 4, "base_score": 0.0, "nthread": 1, "eta": 0.3}
    return [
        xgboost.train({**parameters, "seed": seed, "subsample": 0.6}, xgboost.DMatrix(values, target), 12)
        for seed in range(3)
    ]


def test_predictions_are_those_of_xgboost(boosters):
    bag = TreeBag.from_boosters(boosters, 4)
    values = np.random.default_rng(1).normal(size=(3 * CHUNK + 5, 5))
    wanted = np.array([booster.inplace_predict(values) for booster in boosters])
    assert np.ptp(wanted) > 1
    np.testing.assert_allclose(bag.predict(values), wanted, atol=2e-6)
    np.testing.assert_allclose(bag.predict(values[:1]), wanted[:, :1], atol=2e-6)
    assert bag.predict(values[:0]).shape == (3, 0)


def test_trees_may_be_shallower_than_the_deepest(boosters):
    values = np.random.default_rng(1).normal(size=(50, 5))
    np.testing.assert_allclose(
        TreeBag.from_boosters(boosters, 6).predict(values), TreeBag.from_boosters(boosters, 4).predict(values)
    )


def test_round_trip_and_damage(boosters):
    bag = TreeBag.from_boosters(boosters, 4)
    values = np.random.default_rng(1).normal(size=(50, 5))
    np.testing.assert_array_equal(TreeBag.from_dict(bag.to_dict()).predict(values), bag.predict(values))
    damaged = bag.to_dict()
    damaged["leaves"] = {**damaged["leaves"], "base64": "?"}
    with pytest.raises(CorruptFileError, match="array"):
        TreeBag.from_dict(damaged)
