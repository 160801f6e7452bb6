"""Predictors of a release: one a setting with enough configurations, beside what they were fitted to."""

from dataclasses import replace

import pytest
from first_traces import first_traces

from datasets_cache.release import predictors as release_predictors
from datasets_cache.release.predictors import FITTED_TO, KIND, LEAST_CONFIGURATIONS, VERSION, fit_predictor
from datasets_cache.shelf.shelf import load_shelf, shelf_file
from datasets_cache.shelf.verify import known_architectures
from perfmodel.errors import NotEnoughTracesError
from perfmodel.files.checksum import sha256_of
from perfmodel.files.state_file import read_state
from perfmodel.predictor.predictor import Predictor
from perfmodel.predictor.shipped import PREDICTOR_DATA, predictor_names
from perfmodel.space.space import Space

SHELF = "smollm2-v1b"


@pytest.fixture
def shelf(monkeypatch):
    """The first published traces: 48 of chain_sum, 16 of number_sequence, and some."""
    small = replace(load_shelf(SHELF), traces=first_traces(73))
    monkeypatch.setattr(release_predictors, "load_shelf", lambda _: small)
    return small


def quick(traces):
    asked = traces[0].asked
    architecture = known_architectures()[asked.setting.model]
    space = Space.for_architecture(architecture)
    return Predictor.fit(traces, space, architecture, metrics=["held_out_loss"], surrogates=["constant"])


def test_settings_with_enough_configurations_get_one(tmp_path, shelf):
    (tmp_path / SHELF / "left_over").mkdir(parents=True)
    written = list(release_predictors.write_predictors(SHELF, tmp_path, quick))
    assert written == [tmp_path / SHELF / "chain_sum"]
    assert predictor_names(tmp_path) == (f"{SHELF}/chain_sum",)
    assert not (tmp_path / SHELF / "left_over").exists()
    assert Predictor.load(written[0]).record.n_traces == {"held_out_loss": 48}
    body = read_state(tmp_path / SHELF / FITTED_TO, KIND, VERSION)
    assert body == {"shelf": SHELF, "sha256": shelf.sha256, "traces": {"chain_sum": 48}}


def test_without_enough_configurations_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(release_predictors, "LEAST_CONFIGURATIONS", 1000)
    assert release_predictors.main([SHELF, "--into", str(tmp_path)]) == NotEnoughTracesError.exit_code
    assert "no setting of smollm2-v1b has 1000 configurations" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert release_predictors.main(["smollm2-v7", "--into", str(tmp_path)]) == 2
    assert "there is no shelf 'smollm2-v7'" in capsys.readouterr().err


def test_settings_of_one_task_get_names_of_their_own(tmp_path, shelf, monkeypatch):
    of_task = [trace for trace in shelf.traces if trace.asked.setting.task == "chain_sum"]
    asked = [replace(each.asked, setting=replace(each.asked.setting, device_class="cuda")) for each in of_task]
    others = [replace(trace, asked=each) for trace, each in zip(of_task, asked, strict=True)]
    both = replace(shelf, traces=(*of_task, *others))
    monkeypatch.setattr(release_predictors, "load_shelf", lambda name: both)
    names = [path.name for path in release_predictors.write_predictors(SHELF, tmp_path, quick)]
    assert len(set(names)) == 2
    assert all(name.startswith("chain_sum--") and not set(name) & set(" ,/") for name in names)


def test_the_space_is_that_of_the_traces(shelf, monkeypatch):
    made = []
    monkeypatch.setattr(Predictor, "fit", lambda traces, space, architecture: made.append((traces, space)))
    of_task = [trace for trace in shelf.traces if trace.asked.setting.task == "chain_sum"]
    fit_predictor(of_task)
    ((traces, space),) = made
    assert traces is of_task
    assert space.units == 30 and space.methods == of_task[0].asked.configuration.methods


@pytest.mark.parametrize("release", sorted({name.partition("/")[0] for name in predictor_names()}))
def test_what_is_shipped_was_fitted_to_what_is_shipped(release):
    body = read_state(PREDICTOR_DATA / release / FITTED_TO, KIND, VERSION)
    assert body["sha256"] == sha256_of(shelf_file(body["shelf"]))
    names = {f"{release}/{label}" for label in body["traces"]}
    assert names == {name for name in predictor_names() if name.startswith(f"{release}/")}
    for name in names:
        assert max(Predictor.load(name).record.n_traces.values()) >= LEAST_CONFIGURATIONS
