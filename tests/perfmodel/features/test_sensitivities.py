"""The record of sensitivities: what is written is read, and what is damaged is refused."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from perfmodel.errors import CorruptFileError, SchemaVersionError
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.files.state_file import write_state
from perfmodel.space.methods import Methods


@pytest.fixture
def record():
    rng = np.random.default_rng(0)
    tables = {name: rng.random((3, 2)) for name in ("kl", "loss_change", "weight_error", "output_error")}
    return Sensitivities(
        model="tiny",
        model_sha256="a" * 64,
        task="sums",
        task_sha256="b" * 64,
        methods=Methods(pruning_scope="global"),
        unit="layer",
        widths=(2, 4),
        examples=5,
        gradient_norm=rng.random(3),
        information=rng.random(3),
        rates=np.array([0.0, 0.5]),
        taylor_mass=np.array([0.0, 0.1]),
        **tables,
    )


def test_what_is_saved_is_loaded_to_the_last_digit(record, tmp_path):
    record.save(tmp_path / "deep" / "record.json")
    found = Sensitivities.load(tmp_path / "deep" / "record.json")

    for field in fields(Sensitivities):
        ours, theirs = getattr(record, field.name), getattr(found, field.name)
        assert type(ours) is type(theirs), field.name
        assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs, field.name


def test_a_changed_digit_is_found(record, tmp_path):
    path = tmp_path / "record.json"
    record.save(path)
    path.write_text(path.read_text().replace('"examples": 5', '"examples": 6'))

    with pytest.raises(CorruptFileError):
        Sensitivities.load(path)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("kl", (2, 2)), ("output_error", (3, 3)), ("information", (4,)), ("taylor_mass", (3,)), ("gradient_norm", (2,))],
)
def test_arrays_that_do_not_belong_together_are_refused(record, tmp_path, name, shape):
    path = tmp_path / "record.json"
    replace(record, **{name: np.ones(shape)}).save(path)

    with pytest.raises(CorruptFileError, match="shape"):
        Sensitivities.load(path)


def test_a_missing_field_and_a_newer_version_are_refused(record, tmp_path):
    path = tmp_path / "record.json"
    record.save(path)
    state = json.loads(path.read_text())
    without = {key: value for key, value in state["body"].items() if key != "rates"}
    write_state(tmp_path / "without.json", "sensitivities", 1, without)
    write_state(tmp_path / "newer.json", "sensitivities", 2, state["body"])

    with pytest.raises(CorruptFileError, match="rates"):
        Sensitivities.load(tmp_path / "without.json")
    with pytest.raises(SchemaVersionError):
        Sensitivities.load(tmp_path / "newer.json")
