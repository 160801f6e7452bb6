"""A trace's row, and the key that says which trials are the same."""

import json
from dataclasses import fields, replace

import pytest

from perfmodel.errors import UserError
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.columns import LISTS
from perfmodel.traces.trace import STATUSES, Asked, Measured, RanOn, Setting, Trace

RAN_ON = RanOn("", "", 1, 1, {}, "", "", "")


@pytest.fixture
def trace(fake_traces):
    return fake_traces(1)[0]


@pytest.fixture
def asked(trace):
    return trace.asked


def full():
    numbers = {field.name: 7 for field in fields(Measured) if field.name not in ("status", "reason")}
    return Measured("ok", **{**numbers, **{name: (1, 2) for name in LISTS if name in numbers}})


@pytest.mark.parametrize(
    "measured", [full(), Measured("oom", "out of memory"), Measured("ok", held_out_loss=0.1 + 0.2)]
)
def test_a_row_makes_the_same_trace_again(trace, measured):
    whole = replace(trace, measured=measured)
    row = whole.to_row()

    assert Trace.from_row(row) == whole
    assert Trace.from_row(json.loads(json.dumps(row))) == whole
    assert Trace.from_row(row).asked.key == row["key"]


def test_a_row_holds_every_field_under_its_own_name(trace):
    row = trace.to_row()

    assert {field.name for field in fields(Measured)} <= set(row)
    assert {field.name for field in fields(RanOn)} <= set(row)
    assert row["setting"] == trace.asked.setting.identifier
    assert row["configuration"] == trace.asked.configuration.identifier


def test_what_was_not_measured_is_none(trace):
    row = replace(trace, measured=Measured("timeout", "no result after 5 s")).to_row()

    absent = {field.name for field in fields(Measured)} - {"status", "reason", *LISTS}
    assert all(row[name] is None for name in absent)
    assert all(row[name] == [] for name in LISTS if name not in ("bits", "ranks"))


def test_only_ok_is_ok(trace):
    assert set(STATUSES) == {"ok", "oom", "diverged", "timeout", "failed"}
    assert [status for status in STATUSES if replace(trace, measured=Measured(status)).ok] == ["ok"]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 99},
        {"configuration": Configuration(0.0, (2,) * 10, (2,) * 10)},
    ],
)
def test_another_trial_has_another_key(asked, change):
    assert replace(asked, **change).key != asked.key


@pytest.mark.parametrize(
    "change",
    [
        {"pruning_method": "random"},
        {"pruning_scope": "global"},
        {"quantizers": "bf16|int8|fp4|hqq3g64|hqq2g64"},
        {"initializer": "pissa"},
        {"adapter": "dora"},
    ],
)
def test_another_method_is_another_configuration_and_another_trial(asked, change):
    other = replace(asked.configuration, methods=Methods(**change))

    assert other.identifier != asked.configuration.identifier
    assert replace(asked, configuration=other).key != asked.key
    again = Trace.from_row(Trace(replace(asked, configuration=other), Measured("failed"), RAN_ON).to_row())
    assert again.asked.configuration == other


@pytest.mark.parametrize(
    "change",
    [{"recipe": Recipe(steps=31)}, {"model_sha256": "c" * 64}, {"task_sha256": "c" * 64}, {"device_class": "cpu"}],
)
def test_another_setting_has_another_key(asked, change):
    other = replace(asked, setting=replace(asked.setting, **change))

    assert other.setting.identifier != asked.setting.identifier
    assert other.key != asked.key


@pytest.mark.parametrize("change", [{"model": "/elsewhere/tiny"}, {"task": "renamed"}])
def test_a_path_or_a_name_does_not_change_the_key(asked, change):
    assert replace(asked, setting=replace(asked.setting, **change)).key == asked.key


def test_who_proposed_a_trial_does_not_change_its_key(asked):
    assert replace(asked, source="validation").key == asked.key


def test_a_key_does_not_depend_on_how_a_number_is_written(asked):
    """Configuration(0, ...) is equal to Configuration(0.0, ...), and a row gives the rate back as a float."""
    whole = Asked(asked.setting, Configuration(0, (4,) * 10, (8,) * 10), 0, "plan")
    again = Trace.from_row(Trace(whole, Measured("failed"), RAN_ON).to_row())

    assert again.asked.key == whole.key
    other = replace(asked.setting, recipe=Recipe(alpha=16))
    assert replace(asked, setting=other).key == asked.key


def test_keys_of_published_traces_never_change():
    """Computed by the first version: whoever changes what goes into a key would run every trial again."""
    setting = Setting("m", "a" * 64, "t", "b" * 64, Recipe(), "cpu")

    assert setting.identifier == "6ac6667e27d1"
    assert Configuration(0.1, (4, 2), (8, 0)).identifier == "529565884058"
    assert Asked(setting, Configuration(0.1, (4, 2), (8, 0)), 3, "plan").key == "a7728f4562c2"


def test_the_loss_at_a_step_is_a_point_of_the_learning_curve(trace):
    curve = replace(trace, measured=Measured("ok", curve_steps=(0, 8, 16), curve_losses=(3.0, 2.0, 1.5)))

    assert curve.loss_at(8) == 2.0
    with pytest.raises(UserError, match="0, 8, 16"):
        curve.loss_at(12)
