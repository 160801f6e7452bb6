"""The predictor: columns, ranges, arrays for searchers, files, and every refusal."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perfmodel.surrogates.boosted
from perfmodel.errors import (
    CorruptFileError,
    InvalidConfigurationError,
    NotEnoughTracesError,
    SchemaVersionError,
    UnknownNameError,
    UserError,
)
from perfmodel.features.featurizer import CHUNK
from perfmodel.files.state_file import write_state
from perfmodel.predictor.fitting import DOMAIN_COLUMNS
from perfmodel.predictor.predictor import DEFAULT_METRICS, Predictor
from perfmodel.predictor.record import PREDICTOR_VERSION
from perfmodel.space.methods import Methods
from perfmodel.space.metrics import METRICS
from perfmodel.space.space import Configuration, Space


@pytest.fixture(scope="module")
def predictor(tiny, tiny_space, fake_traces):
    """Fitted to 40 configurations, 8 of them run twice, the candidates being the linear ones."""
    traces = fake_traces(40, seeds=2, repeated=8)
    return Predictor.fit(traces, tiny_space, tiny, surrogates=["constant", "additive"])


@pytest.fixture(scope="module")
def boosted(tiny, tiny_space, fake_traces):
    """Trees for two metrics."""
    metrics = ("held_out_loss", "peak_memory_bytes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perfmodel.surrogates.boosted, "MEMBERS", 3)
        patch.setattr(perfmodel.surrogates.boosted, "TREES", 15)
        return Predictor.fit(fake_traces(20), tiny_space, tiny, metrics=metrics, surrogates=["boosted"])


@pytest.fixture
def saved(boosted, tmp_path):
    """A folder that holds it."""
    boosted.save(tmp_path / "model")
    return tmp_path / "model"


def test_candidates_that_beat_nothing_leave_the_constant(tiny, tiny_space, fake_traces):
    traces = fake_traces(20, noise=3.0, rate_gain=0.0, bits_gain=0.0)
    found = Predictor.fit(traces, tiny_space, tiny, metrics=["held_out_loss"], surrogates=["additive", "damage"])
    assert found.record.chosen == {"held_out_loss": "constant"}


def test_columns_rows_and_ranges(predictor, draw_configurations):
    table = predictor.predict(draw_configurations(15, seed=3))
    wanted = [f"{metric}{end}" for metric in DEFAULT_METRICS for end in ("", "_std", "_low", "_high")]
    assert list(table.columns) == [*wanted, "outside_domain", "not_resolved"] and len(table) == 15
    assert table["outside_domain"].dtype == bool
    for metric in DEFAULT_METRICS:
        assert (table[f"{metric}_std"] > 0).all()
        for end in ("", "_low", "_high"):
            assert table[f"{metric}{end}"].between(METRICS[metric].lower, METRICS[metric].upper).all()
        assert (table[f"{metric}_low"] <= table[f"{metric}_high"]).all()
    assert predictor.metrics == DEFAULT_METRICS


def test_predictions_are_close_to_unseen_runs(predictor, fake_traces):
    traces = fake_traces(40, seed=7)
    table = predictor.predict([trace.asked.configuration for trace in traces])
    loss = np.array([trace.measured.held_out_loss for trace in traces])
    memory = np.array([trace.measured.peak_memory_bytes for trace in traces])
    assert np.median(np.abs(table["held_out_loss"] / loss - 1)) < 0.05
    assert np.median(np.abs(table["peak_memory_bytes"] / memory - 1)) < 0.05
    assert 0.7 < np.mean(loss < table["held_out_loss_high"]) <= 1


def test_choice_and_scores_are_kept(predictor):
    assert predictor.record.chosen["held_out_loss"] == "additive"
    pairs = [(entry.metric, entry.surrogate) for entry in predictor.scores]
    assert pairs == [(metric, name) for metric in DEFAULT_METRICS for name in ("constant", "additive")]
    assert predictor.record.n_traces["accuracy"] == 48
    assert predictor.setting.task == "counting"


def test_mappings_and_configurations_are_the_same(predictor, draw_configurations):
    configurations = draw_configurations(3)
    first, second = predictor.predict(configurations), predictor.predict([c.to_dict() for c in configurations])
    assert first.equals(second)
    assert predictor.predict([]).shape == (0, 18)


def test_arrays_and_tables_agree(predictor, tiny_space, draw_configurations):
    configurations = draw_configurations(20, seed=4)
    means = predictor.predict_mean(tiny_space.encode(configurations))
    np.testing.assert_allclose(means, predictor.predict(configurations)[list(predictor.metrics)].to_numpy())
    with pytest.raises(ValueError, match="shape"):
        predictor.predict_mean(np.zeros((2, 3), dtype=np.int64))


def test_rows_do_not_depend_on_the_rows_beside_them(predictor, boosted, tiny_space):
    vectors = np.random.default_rng(0).integers(tiny_space.cardinalities, size=(CHUNK + 40, 21))
    for model in (predictor, boosted):
        whole, few = model.predict_arrays(vectors), model.predict_arrays(vectors[CHUNK - 2 : CHUNK + 2])
        assert len(whole) == CHUNK + 40 and len(few) == 4
        for name in ("mean", "std", "low", "high", "outside_domain"):
            part = getattr(whole, name)[CHUNK - 2 : CHUNK + 2]
            np.testing.assert_allclose(part, getattr(few, name), rtol=1e-9)


def test_outside_the_domain_is_said(predictor, tiny, tiny_space, fake_traces, draw_configurations):
    inside = predictor.predict(draw_configurations(40))
    assert not inside["outside_domain"].any()
    corner = Configuration.uniform(10, bits=16, rank=64)
    assert predictor.predict([corner])["outside_domain"].tolist() == [True]
    assert set(predictor.record.domain) == set(DOMAIN_COLUMNS)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_memory_is_positive_and_its_interval_never_below_zero(predictor, boosted, tiny_space, seed):
    vectors = np.random.default_rng(seed).integers(tiny_space.cardinalities, size=(4, 21))
    vectors[:, -1] = 3
    configurations = tiny_space.decode(vectors)
    for model in (predictor, boosted):
        table = model.predict(configurations)
        assert (table["peak_memory_bytes"] > 0).all()
        assert (table["peak_memory_bytes_low"] >= 0).all()
        assert (table["peak_memory_bytes_low"] <= table["peak_memory_bytes"]).all()


def test_intervals_reach_as_far_as_left_out_configurations_lay(predictor, draw_configurations):
    """What is returned is what its scores were taken of, and not the models' own idea of their spread."""
    half_width = predictor.record.half_widths["peak_memory_bytes"]
    table = predictor.predict(draw_configurations(40))
    half = table["peak_memory_bytes_high"] - table["peak_memory_bytes"]

    assert half.to_numpy() == pytest.approx(half_width * table["peak_memory_bytes_std"].to_numpy(), rel=1e-6)
    assert half_width != pytest.approx(1.6448536, rel=1e-3)  # the half width of a normal interval


def test_round_trip(boosted, saved, draw_configurations):
    loaded = Predictor.load(saved)
    configurations = draw_configurations(10, seed=5)
    assert loaded.predict(configurations).equals(boosted.predict(configurations))
    assert loaded.record == boosted.record
    assert {path.suffix for path in saved.rglob("*") if path.is_file()} == {".json"}


def test_round_trip_of_the_linear_one(predictor, tmp_path, draw_configurations):
    predictor.save(tmp_path)
    configurations = draw_configurations(10, seed=5)
    assert Predictor.load(tmp_path).predict(configurations).equals(predictor.predict(configurations))


def test_files_of_version_3_give_what_they_gave():
    folder = Path(__file__).parents[1] / "assets" / "predictor-v3"
    expected = json.loads((folder / "expected.json").read_text())
    predictor = Predictor.load(folder)
    assert predictor.record.load is None
    assert list(predictor.record.curve_steps) == expected["curve_steps"]
    table = predictor.predict(expected["configurations"])
    assert list(table.columns) == [*expected["table"], "not_resolved"]
    assert set(table["not_resolved"]) == {"held_out_loss: not judged; accuracy: not judged"}
    for column, values in expected["table"].items():
        np.testing.assert_allclose(table[column], values, rtol=1e-6, err_msg=column)
    np.testing.assert_allclose(predictor.probability_ok(expected["configurations"])["ok"], expected["ok"], rtol=1e-6)


def test_a_folder_without_predictor_is_the_callers_mistake(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="no predictor in"):
            Predictor.load(folder)


@pytest.mark.parametrize("name", ["held_out_loss/boosted.json", "peak_memory_bytes/boosted.json"])
@pytest.mark.parametrize("damage", ["remove", "change"])
def test_a_changed_file_is_refused_by_name(saved, name, damage):
    path = saved / name
    path.write_bytes(path.read_bytes() + b" ") if damage == "change" else path.unlink()
    with pytest.raises(CorruptFileError, match=path.name):
        Predictor.load(saved)


def test_a_damaged_record_is_refused(saved):
    path = saved / "predictor.json"
    path.write_text(path.read_text().replace("counting", "counted"))
    with pytest.raises(CorruptFileError):
        Predictor.load(saved)


def test_stored_predictions_must_come_out_again(saved):
    path = saved / "predictor.json"
    body = json.loads(path.read_text())["body"]
    body["golden"]["means"][0][0] *= 1.001
    write_state(path, "predictor", PREDICTOR_VERSION, body)
    with pytest.raises(CorruptFileError, match="stored predictions"):
        Predictor.load(saved)


@pytest.mark.parametrize(
    ("version", "what_to_do"), [(PREDICTOR_VERSION + 1, "upgrade"), (2, "make the predictor again")]
)
def test_other_versions_are_refused_with_what_to_do(saved, version, what_to_do):
    write_state(saved / "predictor.json", "predictor", version, {})
    with pytest.raises(SchemaVersionError, match=what_to_do):
        Predictor.load(saved)


def test_illegal_configurations_are_refused(predictor):
    legal = Configuration.uniform(10, bits=4, rank=8)
    for illegal in (replace(legal, bits=(5,) * 10), replace(legal, pruning_rate=0.25), replace(legal, ranks=(8,) * 3)):
        with pytest.raises(InvalidConfigurationError):
            predictor.predict([illegal])
    for bits in ("4", 4.9, True):
        with pytest.raises(InvalidConfigurationError, match=rf"configuration 1: bits\[0\] is {bits!r}"):
            predictor.predict([legal, Configuration.uniform(10, bits=bits, rank=8)])
        with pytest.raises(InvalidConfigurationError, match=rf"configuration 2: .*{bits!r} is no whole number"):
            predictor.predict([legal, legal, {**legal.to_dict(), "bits": [4, bits]}])
    with pytest.raises(InvalidConfigurationError, match="did you mean"):
        predictor.predict([{"prunin_rate": 0.0, "bits": [4] * 10, "ranks": [8] * 10}])
    with pytest.raises(InvalidConfigurationError, match="is a str"):
        predictor.predict(["4 bits"])


def test_what_cannot_be_fitted_is_refused(tiny, tiny_space, fake_traces, failed):
    traces = fake_traces(20)
    other = replace(traces[0].asked, setting=replace(traces[0].asked.setting, task="other", task_sha256="c" * 64))
    with pytest.raises(UserError, match=r"counting.*other"):
        Predictor.fit([*traces, replace(traces[0], asked=other)], tiny_space, tiny)
    with pytest.raises(NotEnoughTracesError, match="8 different configurations"):
        Predictor.fit([*traces[:8], *(failed(trace) for trace in traces[8:])], tiny_space, tiny)
    with pytest.raises(NotEnoughTracesError, match="optimizer_bytes was measured on 0"):
        Predictor.fit(traces, tiny_space, tiny, metrics=["optimizer_bytes"])
    with pytest.raises(UnknownNameError, match="speed"):
        Predictor.fit(traces, tiny_space, tiny, metrics=["speed"])
    with pytest.raises(UnknownNameError, match="oracle"):
        Predictor.fit(traces, tiny_space, tiny, surrogates=["oracle"])
    with pytest.raises(UserError, match="no metric"):
        Predictor.fit(traces, tiny_space, tiny, metrics=[])
    with pytest.raises(InvalidConfigurationError, match="12 units"):
        Predictor.fit(traces, Space(12), tiny)
    with pytest.raises(InvalidConfigurationError, match=r"the space asks for .*dora"):
        Predictor.fit(traces, replace(tiny_space, methods=Methods(adapter="dora")), tiny)


def test_neither_torch_nor_heavy_imports(saved):
    code = f"""
import sys
import perfmodel.predictor.predictor, perfmodel.effects.axis_effects, perfmodel.evaluation.selection
heavy = {{"torch", "xgboost", "sklearn", "scipy", "pandas", "pyarrow"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
predictor = perfmodel.predictor.predictor.Predictor.load({str(saved)!r})
predictor.predict([{{"pruning_rate": 0.1, "bits": [4] * 10, "ranks": [8] * 10}}])
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
