"""A run with any searcher ends with a report, or is refused before the first fine-tune with one clear sentence."""

import json
import shutil
from typing import Any

import pytest

from collectors.executors import InlineExecutor
from perfmodel.errors import InvalidConfigurationError, InvalidSuiteError
from reports.run.known import run_sensitivities
from reports.run.run import Run
from reports.run.suite import parse_suite
from reports.stages.stages import report_path, run_stages
from search import SEARCHERS


@pytest.fixture(scope="module")
def model_folder(model_folder, tmp_path_factory):
    """A whole model: its sensitivities are measured here, and a checkpoint without weights is refused."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("whole") / "tiny-model"
    shutil.copytree(model_folder, folder)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def fitted_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fitted") / "run"


@pytest.fixture
def make(suite_values, tmp_path, fake_runner, fitted_folder):
    """Returns the maker of a run by searchers; its trials are made and its models fitted once for all tests."""
    runner = fake_runner()

    def made(*names: str, **changes: Any) -> Run:
        search = {"evaluations": dict.fromkeys(names, 20), "batch": 10}
        suite = parse_suite({**suite_values, "search": search, **changes})
        return Run(suite, tmp_path / "run", "bench run fake", said.append, lambda _: InlineExecutor(runner))

    said: list[str] = []
    if not fitted_folder.exists():
        base = made("hawq")
        run_stages(base, "fit")
        shutil.copytree(base.folder, fitted_folder)
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    shutil.copytree(fitted_folder, tmp_path / "run")
    made.runner, made.said = runner, said  # type: ignore[attr-defined]
    return made


def test_a_run_with_every_searcher_ends_with_a_report(make):
    run = make(*SEARCHERS)
    run_stages(run, "report")

    assert report_path(run.folder).is_file()
    history = json.loads((run.folder / "search" / "history.json").read_text())
    assert set(history["searchers"]) == set(SEARCHERS)
    front = json.loads((run.folder / "search" / "front.json").read_text())
    assert {point["found_by"] for point in front} <= set(SEARCHERS)


def test_sensitivities_are_measured_once_and_only_where_they_are_needed(make, tmp_path):
    run = make("hawq", "milp")
    first = run_sensitivities(run, ("hawq", "milp"))

    assert first is not None and (run.folder / "search" / "sensitivities.json").is_file()
    make.said.clear()
    assert run_sensitivities(run, ("qpruner",)).kl.tolist() == first.kl.tolist()
    assert make.said == []
    shutil.rmtree(run.folder)
    assert run_sensitivities(run, ("random", "joint")) is None


def test_what_a_searcher_needs_is_refused_before_the_first_fine_tune(make, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise InvalidConfigurationError("the format hqq", "formats that are fair on this base", "choose another")

    monkeypatch.setattr("collectors.sensitivities.measure_sensitivities", refused)
    run = make("random", "hawq", "amq")
    shutil.rmtree(run.folder)
    make.runner.asked.clear()
    with pytest.raises(InvalidSuiteError, match=r"search\.evaluations names hawq, amq, and sensitivities"):
        run_stages(run, "report")
    assert make.runner.asked == []
