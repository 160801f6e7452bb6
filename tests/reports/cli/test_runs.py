"""What runs exist, where they stand, and which report was written last."""

import json
import os

import pytest
from typer.testing import CliRunner

from perfmodel.errors import StageOrderError
from reports.cli.main import app
from reports.cli.runs import last_report, run_folders, run_status


@pytest.fixture
def runs(tmp_path):
    """Two runs: one whose report is written, one that has just begun."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "suite.json").write_text("{}")
    (tmp_path / "first" / "manifest.json").write_text(json.dumps({"collect": {}, "fit": {}}))
    report = tmp_path / "first" / "report"
    report.mkdir()
    (report / "report.html").write_text("")
    (report / "report.json").write_text(json.dumps({"answer": {"kind": "take", "numbers": {"name": "B"}}}))
    return tmp_path


def test_runs_are_told_with_their_stages_and_answers(runs):
    done = CliRunner().invoke(app, ["status", str(runs), "--json"])

    first, second = json.loads(done.stdout)
    assert (first["done"], first["recommended"]) == (["collect", "fit"], "B")
    assert (second["done"], second["fine_tunes"], second["recommended"]) == ([], 0, None)
    assert "second" in CliRunner().invoke(app, ["status", str(runs)], env={"COLUMNS": "400"}).stdout
    assert run_status(runs / "first") == first


def test_a_run_s_own_folder_is_a_run_and_a_place_without_runs_has_none(runs, tmp_path):
    assert run_folders(runs / "first") == [runs / "first"]
    assert run_folders(tmp_path / "nowhere") == []


def test_the_last_report_is_opened(runs, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    later = runs / "second" / "report"
    later.mkdir()
    (later / "report.html").write_text("")
    os.utime(later / "report.html", (2e9, 2e9))

    done = CliRunner().invoke(app, ["open", str(runs)])
    assert done.stdout.strip() == str(later / "report.html")
    assert opened == [(later / "report.html").as_uri()]
    with pytest.raises(StageOrderError, match="bench run first"):
        last_report(runs / "nowhere")
