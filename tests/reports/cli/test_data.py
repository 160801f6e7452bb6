"""``bench data``: what it lists, shows, checks, fetches and exports, and what it refuses."""

import json
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from datasets_cache.shelf.registry import register
from datasets_cache.shelf.shelf import load_shelf, newest_shelf, shelf_file, shelf_names
from datasets_cache.shelf.shipped_files import FOLDERS
from datasets_cache.tasks.shipped import TASK_DATA
from perfmodel.errors import FailedCheckError, OutputFolderError, UnknownNameError, UserError
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.store import TraceStore
from reports.cli.main import app

NAME = "smollm2-pilot-v1"


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Runs ``bench data``; an error of ours is raised, as the command line's last catch expects."""
    monkeypatch.setenv("PERFMODEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        done = CliRunner().invoke(app, ["data", *map(str, arguments)], catch_exceptions=True)
        if done.exception is not None:
            raise done.exception
        return done.output

    return run


def test_ls_lists_every_release(bench):
    said = bench("ls")

    for name in shelf_names():
        (line,) = [line for line in said.splitlines() if f" {name} " in line]
        assert f" {len(load_shelf(name).traces)} " in line and "smollm2-135m" in line and "shipped" in line


def test_json_of_ls_and_verify_holds_what_the_tables_show(bench):
    listed = {row["name"]: row for row in json.loads(bench("ls", "--json"))}
    assert listed[NAME]["traces"] == 122 and listed[NAME]["bytes"] == shelf_file(NAME).stat().st_size
    told = json.loads(bench("verify", NAME, "--json").splitlines()[-1])
    assert [each["problems"] for each in told["traces"]] == [[]]


def test_show_prints_the_card(bench):
    assert bench("show", NAME) == load_shelf(NAME).card


def test_verify_takes_all_releases_one_or_a_file(bench):
    assert "0 problems" in bench("verify", NAME)
    everything = bench("verify")
    assert everything.count("0 problems") == len(shelf_names()) + 1 and "shipped files: " in everything
    assert "122 traces, 7 checksums, 0 problems" in bench("verify", shelf_file(NAME))


def test_verify_fails_on_a_flipped_byte_and_says_where(bench, tmp_path, capsys):
    path = tmp_path / f"{NAME}.parquet"
    shutil.copy(shelf_file(NAME), path)
    register(tmp_path, NAME)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(
        FailedCheckError, match=r"things do not hold, the first: smollm2-pilot-v1\.parquet has sha256"
    ) as told:
        bench("verify", path)
    assert told.value.exit_code == 1


def test_verify_fails_on_a_flipped_byte_of_any_shipped_file(bench, tmp_path, monkeypatch):
    folder = shutil.copytree(TASK_DATA, tmp_path / "task_data")
    licence = folder / "LICENCE-WordNet.txt"
    licence.write_bytes(b"w" + licence.read_bytes()[1:])
    monkeypatch.setitem(FOLDERS, "tasks", folder)

    with pytest.raises(
        FailedCheckError, match=r"1 things do not hold, the first: tasks/LICENCE-WordNet\.txt has sha256"
    ):
        bench("verify")


def test_fetch_brings_a_release_from_a_folder(bench, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for ending in (".parquet", ".md"):
        shutil.copy(shelf_file(NAME).with_suffix(ending), folder / f"lab-v3{ending}")
    register(folder, "lab-v3")

    fetched = bench("fetch", "lab-v3", "--from", folder).splitlines()[-1]

    assert fetched == str(tmp_path / "cache" / "shelf" / "lab-v3" / "lab-v3.parquet")
    assert "lab-v3" in bench("ls") and "0 problems" in bench("verify", "lab-v3")
    with pytest.raises(UnknownNameError, match="there is no shelf 'lab-v4' here"):
        bench("fetch", "lab-v4")


def test_exports_hold_every_trace(bench, tmp_path):
    traces = load_shelf(NAME).traces
    for ending in ("csv", "parquet", "sqlite"):
        assert "122 traces" in bench("export", NAME, "--to", tmp_path / "new" / f"traces.{ending}")

    assert (tmp_path / "new" / "traces.parquet").read_bytes() == shelf_file(NAME).read_bytes()
    assert tuple(read_traces(tmp_path / "new" / "traces.parquet")) == traces
    with TraceStore(tmp_path / "new" / "traces.sqlite") as store:
        assert tuple(store) == traces
    table = pd.read_csv(tmp_path / "new" / "traces.csv")
    assert [json.loads(bits) for bits in table["bits"]] == [list(trace.asked.configuration.bits) for trace in traces]
    assert table["held_out_loss"].tolist() == [trace.measured.held_out_loss for trace in traces]
    assert table["weight_bytes"].tolist() == [trace.measured.weight_bytes for trace in traces]


def test_whole_numbers_stay_whole_where_some_were_not_measured(bench, tmp_path):
    bench("export", newest_shelf(), "--to", tmp_path / "traces.csv")
    text = pd.read_csv(tmp_path / "traces.csv", dtype=str)

    assert not text["weight_bytes"].dropna().str.contains(".", regex=False).any()
    assert not text["peak_memory_bytes"].dropna().str.contains(".", regex=False).any()


def test_an_export_overwrites_nothing_and_knows_its_formats(bench, tmp_path):
    (tmp_path / "mine.csv").write_text("mine")

    with pytest.raises(OutputFolderError, match=r"mine\.csv exists"):
        bench("export", NAME, "--to", tmp_path / "mine.csv")
    with pytest.raises(UserError, match=r"ends in '\.xlsx'; allowed are \.csv, \.parquet, \.sqlite"):
        bench("export", NAME, "--to", tmp_path / "mine.xlsx")
    with pytest.raises(OutputFolderError, match="cannot be written"):
        bench("export", NAME, "--to", tmp_path / "mine.csv" / "traces.csv")
    assert (tmp_path / "mine.csv").read_text() == "mine"
