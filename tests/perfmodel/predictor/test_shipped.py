"""Predictors by name: what is shipped loads, and a name that is none says what there is."""

import shutil

import pytest

from perfmodel.errors import UnknownNameError, UserError
from perfmodel.predictor import shipped as named_predictors
from perfmodel.predictor.predictor import Predictor
from perfmodel.predictor.record import FILE
from perfmodel.predictor.shipped import PREDICTOR_DATA, predictor_folder, predictor_names


@pytest.fixture
def releases(tmp_path, monkeypatch):
    """A folder with one release of two tasks, and one of a single task."""
    for name in ("old-v1/counting", "old-v1/sorting", "new-v2/counting"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / FILE).write_text("{}")
    (tmp_path / "new-v2" / "unfinished").mkdir()
    return tmp_path


def test_names_are_found(releases):
    assert predictor_names(releases) == ("new-v2/counting", "old-v1/counting", "old-v1/sorting")
    assert predictor_folder("old-v1/sorting", releases) == releases / "old-v1" / "sorting"
    assert predictor_folder("new-v2", releases) == releases / "new-v2" / "counting"


def test_a_release_of_several_tasks_asks_which(releases):
    with pytest.raises(UnknownNameError, match=r"predictors of 2 tasks; they are old-v1/counting, old-v1/sorting;"):
        predictor_folder("old-v1", releases)


def test_an_unknown_name_says_what_there_is_and_what_is_close(releases, tmp_path):
    with pytest.raises(UnknownNameError, match=r"are new-v2/counting, old-v1.*did you mean 'old-v1/sorting'") as caught:
        predictor_folder("old-v1/sortin", releases)
    assert caught.value.exit_code == 2
    with pytest.raises(UnknownNameError, match="name one of them, or a folder with one"):
        predictor_folder("?", releases)
    with pytest.raises(UnknownNameError, match="are none"):
        predictor_folder("new-v2", tmp_path / "nowhere")


def test_a_folder_comes_before_a_name(releases, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert predictor_folder("here", releases).resolve() == tmp_path / "here"
    assert predictor_folder(tmp_path / "nowhere", releases) == tmp_path / "nowhere"
    with pytest.raises(UserError, match="no predictor in"):
        Predictor.load(str(tmp_path / "here"))


@pytest.mark.parametrize("name", predictor_names())
def test_what_is_shipped_loads_by_name(name):
    """Loading makes the stored predictions again, so the files fit this version."""
    predictor = Predictor.load(name)
    release, _, task = name.partition("/")
    assert predictor.setting.task == task.partition("--")[0]
    assert "held_out_loss" in predictor.metrics
    files = [path for path in (PREDICTOR_DATA / release / task).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 400_000
    assert {path.suffix for path in files} == {".json"}


def test_some_are_shipped_and_the_loader_uses_names(releases, monkeypatch):
    assert predictor_names()
    source = PREDICTOR_DATA / predictor_names()[0]
    shutil.copytree(source, releases / "mine-v9" / "counting")
    monkeypatch.setattr(named_predictors.predictor_folder, "__defaults__", (releases,))
    assert Predictor.load("mine-v9").record == Predictor.load(source).record
