"""The stack: weights that sum to one, a spread calibrated on what was left out, members that are worth their time."""

import numpy as np
import pytest

from perfmodel.features.columns import Featurizer
from perfmodel.features.training_data import training_data
from perfmodel.surrogates import boosted, stack
from perfmodel.surrogates.stack import StackSurrogate


@pytest.fixture
def few_trees(monkeypatch):
    """Makes the boosted member quick."""
    monkeypatch.setattr(boosted, "MEMBERS", 3)
    monkeypatch.setattr(boosted, "TREES", 15)


def test_weights_are_not_negative_and_sum_to_one():
    rng = np.random.default_rng(0)
    link = rng.normal(3.0, 1.0, 200)
    location = np.array([link + 0.3 * rng.normal(size=200), link + 0.6 * rng.normal(size=200), -link])
    weights = stack._weights(location, link)
    assert weights.sum() == pytest.approx(1.0) and weights.min() == 0.0
    # Independent errors: the best weights go as one over their variances, 4 : 1.
    assert weights == pytest.approx([0.8, 0.2, 0.0], abs=0.06)


def test_the_factor_makes_nine_of_ten_errors_lie_inside():
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.5, 2.0, 4000)
    error = np.abs(2.5 * scale * rng.normal(size=4000))
    assert stack._factor(error, scale) == pytest.approx(2.5, rel=0.05)
    assert stack._factor(error / 10, scale) == stack._factor(np.zeros(5), np.ones(5)) == 1.0


def test_it_covers_what_it_did_not_see_and_drops_what_does_not_help(tiny, fake_traces, few_trees, tmp_path):
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    train, test = (training_data(fake_traces(n, seed=n), "held_out_loss", featurizer) for n in (61, 100))
    model = StackSurrogate(log_target=True).fit(train.features, train.target, train.groups)
    low, high = model.posterior(test.features).interval(0.9)
    assert 0.8 < np.mean((low < test.target) & (test.target < high)) < 0.99
    assert "constant" not in [member.kind for member in model._stack.members]
    model.save(tmp_path)
    np.testing.assert_array_equal(
        StackSurrogate.load(tmp_path).posterior(test.features).scale, model.posterior(test.features).scale
    )
