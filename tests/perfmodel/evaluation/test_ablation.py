"""A group is worth something exactly where the target depends on it and nothing else says the same."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError, UnknownNameError
from perfmodel.evaluation.ablation import DEFAULT_GROUPS, EVERY_SENSITIVITY, feature_group, feature_worths
from perfmodel.features.columns import SUMMARY_COLUMNS
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.sensitivity_columns import SENSITIVITY_COLUMNS, SENSITIVITY_GROUPS
from perfmodel.features.training_data import training_data


@pytest.fixture(scope="module")
def data(tiny, fake_traces):
    """120 configurations, and sensitivities that are noise: independent of everything else."""
    made = training_data(fake_traces(120), "held_out_loss", Featurizer(tiny, device_class="cuda", optimizer="adamw"))
    noise = np.random.default_rng(5).random((len(made.target), len(SENSITIVITY_COLUMNS)))
    return replace(made, features=made.features.beside(FeatureMatrix(SENSITIVITY_COLUMNS, noise)))


def depending_on(data, values):
    """The data with a log target that is the values, standardised, with some noise."""
    values = np.asarray(values, dtype=float)
    noise = np.random.default_rng(6).standard_normal(len(values))
    return replace(data, target=np.exp(0.3 * (values - values.mean()) / values.std() + 0.05 * noise))


def verdicts(data, **how):
    """Names of the groups whose worth lies above zero, and of all."""
    found = feature_worths(data, "additive", **how)
    return {(each.group, each.way) for each in found if each.worth.low > 0}, found


def test_what_only_raw_choices_tell(data):
    # A loss cannot rise where ranks do, so the target falls with one of them.
    helpful, found = verdicts(depending_on(data, -np.log2(1 + data.features.column("rank_3"))), repeats=1)
    assert helpful == {("raw choices", "left out")}
    raw = next(each for each in found if each.group == "raw choices")
    assert raw.columns == 20
    assert raw.worth.value == pytest.approx(raw.error_without - raw.error_with)
    assert raw.error_without > 1.5 * raw.error_with


def test_what_only_the_place_of_adapters_tells(data):
    values = np.random.default_rng(7).random(len(data.target))  # in truth raw ranks tell it
    made = depending_on(replace(data, features=data.features.with_column("active_share", values)), -values)
    assert verdicts(made, repeats=1)[0] == {("position", "left out")}


def test_what_only_one_measurement_tells(data):
    # A loss cannot fall where costs rise, so the target rises with them.
    group = "output error"
    helpful, found = verdicts(depending_on(data, data.features.column(SENSITIVITY_GROUPS[group][0])), repeats=1)
    assert helpful == {(group, "added"), (group, "left out of all"), (EVERY_SENSITIVITY, "added")}
    assert len(found) == len(DEFAULT_GROUPS) + 2 * len(SENSITIVITY_GROUPS) + 1


def test_what_two_groups_tell_is_worth_nothing_left_out(data):
    values = data.features.column("sense_gradient_rank")
    made = depending_on(replace(data, features=data.features.with_column("sense_taylor_mass", values)), values)
    helpful = verdicts(made, repeats=1)[0]
    assert {("Taylor mass", "added"), ("gradient norms", "added")} <= helpful
    assert not {("Taylor mass", "left out of all"), ("gradient norms", "left out of all")} & helpful


def test_without_sensitivities_only_the_defaults_are_left_out(data):
    plain = replace(
        data, features=data.features.select([c for c in data.features.columns if c not in SENSITIVITY_COLUMNS])
    )
    found = feature_worths(plain, "additive", repeats=1)
    assert [(each.group, each.way) for each in found] == [(name, "left out") for name in DEFAULT_GROUPS]


def test_every_column_but_the_rate_has_a_group(data):
    none = [column for column in data.features.columns if feature_group(column) is None]
    assert none == ["pruning_rate"]
    counts = {
        group: sum(feature_group(column) == group for column in data.features.columns) for group in DEFAULT_GROUPS
    }
    assert counts == {"raw choices": 20, "summaries": 11, "position": 10, "bytes": 4}
    assert sum(counts.values()) == 20 + len(SUMMARY_COLUMNS) - 1


def test_too_few_configurations_and_unknown_names_are_refused(data):
    with pytest.raises(NotEnoughTracesError, match="at least 10"):
        feature_worths(replace(data, groups=np.arange(len(data.target)) % 9), "additive")
    with pytest.raises(UnknownNameError, match="oracle"):
        feature_worths(data, "oracle")
