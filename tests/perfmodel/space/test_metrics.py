"""The table of metrics: directions, bounds and agreement with the trace's columns."""

from dataclasses import fields

import pytest

from perfmodel.errors import UnknownNameError
from perfmodel.space.metrics import METRICS, metric
from perfmodel.traces.trace import Measured


def test_every_metric_is_a_measured_column():
    assert set(METRICS) <= {field.name for field in fields(Measured)}


@pytest.mark.parametrize("name", METRICS)
def test_names_are_their_keys_and_carry_the_unit(name):
    found = metric(name)

    assert found.name == name
    assert name.endswith("_bytes") == (found.unit == "bytes")
    assert name.endswith("_s") == (found.unit == "s")


@pytest.mark.parametrize("name", METRICS)
def test_a_smaller_loss_is_always_better(name):
    found = metric(name)
    better, worse = (0.2, 0.8) if found.minimize else (0.8, 0.2)

    assert found.to_loss(better) < found.to_loss(worse)


def test_accuracy_alone_is_maximised_and_is_a_share():
    assert [name for name, each in METRICS.items() if not each.minimize] == ["accuracy"]
    assert (METRICS["accuracy"].lower, METRICS["accuracy"].upper) == (0.0, 1.0)
    assert not METRICS["accuracy"].log_target  # 0 is a legal accuracy


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="'loss' is unknown; known are held_out_loss, accuracy"):
        metric("loss")
