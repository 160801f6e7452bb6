"""The command line on bad input: one clear message, the right exit code, and a traceback only when asked for."""

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.columns import TRACE_VERSION
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Setting
from reports.cli.main import main

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "NO_COLOR": "1"}


@pytest.fixture
def bench(tmp_path):
    """Runs the command in an empty folder."""

    def run(*arguments, code):
        command = [sys.executable, "-m", "reports.cli.main", *map(str, arguments)]
        environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert done.returncode == code, done.stderr
        return done

    return run


def the_message(stderr):
    """The one message; what the run says of its progress may stand above it."""
    assert "Traceback" not in stderr
    messages = [line for line in stderr.splitlines() if line.startswith("bench: ")]
    assert len(messages) == 1, stderr
    assert stderr.splitlines()[-1] == messages[0]
    return messages[0]


@pytest.fixture
def suite(suite_values, tmp_path):
    """Writes a suite with changes and returns its path."""

    def write(**changes):
        path = tmp_path / "suite.yaml"
        path.write_text(yaml.safe_dump({**suite_values, **changes}))
        return path

    return write


@pytest.fixture
def traces(fake_runner):
    setting = Setting("tiny", "a" * 64, "sums", "b" * 64, Recipe(), "cpu")
    return [fake_runner()(Asked(setting, Configuration(0.0, (4,) * 8, (8,) * 8), seed, "plan")) for seed in range(3)]


@pytest.fixture
def run_folder(tmp_path, traces):
    """A run's folder with a store of three traces."""
    with TraceStore.writer(tmp_path / "measured" / "traces.sqlite") as store:
        for trace in traces:
            store.add(trace)
    return tmp_path / "measured"


def misspelt_key(make):
    return ["run", make.suite(taks="gcd")], "the suite has the key 'taks'", "did you mean 'task'?"


def model_without_weights(make):
    (make.folder / "empty").mkdir()
    (make.folder / "empty" / "config.json").write_text("{}")
    return ["run", make.suite(model="empty")], "model.safetensors", "empty"


def unsupported_model(make):
    config = json.loads((make.model_folder / "config.json").read_text())
    other = make.folder / "other"
    other.mkdir()
    (other / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    (other / "model.safetensors").write_bytes((make.model_folder / "model.safetensors").read_bytes())
    return ["run", make.suite(model="other")], "model_type is 'gpt2'", "supported families are llama"


def corrupt_store(make):
    folder = make.folder / "broken"
    folder.mkdir()
    (folder / "traces.sqlite").write_bytes(b"garbage" * 300)
    return ["collect", make.suite(), "--folder", "broken"], "broken/traces.sqlite is damaged", "it was left untouched"


def wrong_checksum(make):
    write_traces(make.traces, make.folder / "t.parquet")
    (make.folder / "t.parquet.sha256").write_text("0" * 64 + "  t.parquet\n")
    return ["traces", "import", "t.parquet", "into"], "t.parquet has sha256", f"the recorded one is {'0' * 64}"


def newer_schema(make):
    path = make.folder / "t.parquet"
    write_traces(make.traces, path)
    newer = {"perfmodel.trace_version": str(TRACE_VERSION + 1)}
    pq.write_table(pq.read_table(path).replace_schema_metadata(newer), path)
    (make.folder / "t.parquet.sha256").unlink()
    return ["traces", "import", "t.parquet", "into"], f"trace version {TRACE_VERSION + 1}", "upgrade perfmodel"


CASES = [misspelt_key, model_without_weights, unsupported_model, corrupt_store, wrong_checksum, newer_schema]


@pytest.fixture
def make(suite, traces, tmp_path, model_folder):
    class Make:
        pass

    Make.suite, Make.traces, Make.folder, Make.model_folder = staticmethod(suite), traces, tmp_path, model_folder
    return Make


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_bad_input_is_one_clear_message(bench, make, case):
    arguments, given, helped = case(make)

    message = the_message(bench(*arguments, code=2).stderr)

    assert given in message
    assert helped in message


@pytest.mark.parametrize(("case", "code"), [(misspelt_key, 2), (wrong_checksum, 2)])
def test_debug_adds_the_traceback_and_keeps_code_and_message(bench, make, case, code):
    arguments, given, _ = case(make)

    stderr = bench(*arguments, "--debug", code=code).stderr

    assert "Traceback (most recent call last)" in stderr
    assert given in stderr.splitlines()[-1]


def test_a_refused_import_adds_nothing(bench, make, tmp_path):
    bench(*wrong_checksum(make)[0], code=2)

    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    "arguments", [["run", "default", "--fodler", "x"], ["collekt"], ["traces", "export", "only-one"]]
)
def test_a_wrong_use_of_the_command_line_exits_with_two(bench, arguments):
    stderr = bench(*arguments, code=2).stderr

    assert "Usage: " in stderr
    assert "Traceback" not in stderr


def test_help_needs_nothing(bench):
    out = bench("--help", code=0).stdout

    assert all(name in out for name in ("run", "collect", "fit", "search", "validate", "report", "traces"))


DRIVER = """
import os, random, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where the tests run in the background
import reports.run.run
from collectors.executors import InlineExecutor
from perfmodel.traces.trace import Measured, RanOn, Trace

def runner(asked):
    {body}
    ran_on = RanOn("Fake", "", 2, 1, {{}}, "c0de", "2026-01-01T00:00:00Z", "fake")
    noise = random.Random(asked.key).random()
    bits = sum(asked.configuration.bits)
    measured = Measured("ok", held_out_loss=1 + noise, accuracy=noise / 2, peak_memory_bytes=10**6 * bits)
    return Trace(asked, measured, ran_on)

reports.run.run.Run.executor = lambda run, keep: InlineExecutor(runner)
from reports.cli.main import main
sys.argv[0] = "bench"
main()
"""


@pytest.fixture
def start(tmp_path):
    """Starts the command line with a fake runner; ``body`` runs before every trial. None is left running."""
    running = []

    def run(body, *arguments):
        command = [sys.executable, "-c", DRIVER.format(body=body), *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen(command, cwd=tmp_path, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)}, **pipes))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_fit_writes_its_report_when_asked_and_later_stages_do_not_mind(suite, start, tmp_path):
    path = suite(fit={"surrogates": ["constant"], "metrics": ["held_out_loss", "peak_memory_bytes"]})
    for command in (("collect",), ("fit", "--report"), ("fit", "--json"), ("search",)):
        process = start("pass", *command, path, "--folder", "kept")
        out, stderr = process.communicate()
        assert process.returncode == 0, stderr
        if "--report" in command:
            assert out.strip() == str(tmp_path / "kept" / "scores" / "scores.html")
        if "--json" in command:
            told = json.loads(out)
            assert told["chosen"]["held_out_loss"] == "constant" and told["traces"]["held_out_loss"] > 0

    assert "peak training memory" in (tmp_path / "kept" / "scores" / "scores.md").read_text().lower()
    assert (tmp_path / "kept" / "search" / "front.json").is_file()


def test_an_interrupt_is_told_and_the_store_stays_intact(suite, start, tmp_path):
    path = suite()
    body = "while len(list(Path('.').glob('trial*'))) == 3: Path('third').touch(), time.sleep(0.05)\n"
    body += "    Path('trial' + asked.key).touch()"
    process = start(body, "collect", path, "--folder", "kept")
    while not (tmp_path / "third").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()

    assert process.returncode == 130, stderr
    assert "what was finished is stored" in the_message(stderr)
    store = sqlite3.connect(tmp_path / "kept" / "traces.sqlite")
    assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store.close()
    with TraceStore.writer(tmp_path / "kept" / "traces.sqlite") as kept:  # nobody holds it any more
        assert {f"trial{trace.asked.key}" for trace in kept} == {each.name for each in tmp_path.glob("trial*")}
        assert len(kept) == 3


def test_a_defect_is_told_as_one(suite, start):
    process = start("raise RuntimeError('unforeseen')", "collect", suite())
    _, stderr = process.communicate()

    assert process.returncode == 3
    assert "RuntimeError: unforeseen (this is a defect; --debug shows where)" in the_message(stderr)


def test_a_missing_package_is_told_with_its_extra(suite, start):
    program = "raise ModuleNotFoundError('no', name='transformers')"
    process = start(program, "collect", suite())
    _, stderr = process.communicate()

    assert process.returncode == 2
    assert 'pip install "perfmodel[collect]"' in the_message(stderr)


def test_exported_traces_come_back_whole(bench, run_folder, traces, tmp_path):
    out = bench("traces", "export", run_folder, "out/t.parquet", code=0).stdout
    assert out.startswith("3 traces in out/t.parquet, sha256 ")
    assert len(read_traces(tmp_path / "out" / "t.parquet", sha256=out.split()[-1])) == 3

    assert bench("traces", "import", "out/t.parquet", "other", code=0).stdout == "3 of 3 traces added to other\n"
    with TraceStore(tmp_path / "other" / "traces.sqlite") as store:
        assert sorted(store, key=lambda trace: trace.asked.seed) == traces
    assert bench("traces", "import", "out/t.parquet", "other", code=0).stdout == "0 of 3 traces added to other\n"


def test_a_checksum_on_the_command_line_is_checked(bench, run_folder, tmp_path):
    bench("traces", "export", run_folder, "t.parquet", code=0)

    stderr = bench("traces", "import", "t.parquet", "other", "--sha256", "f" * 64, code=2).stderr
    assert f"the recorded one is {'f' * 64}" in the_message(stderr)


def test_a_machine_at_its_limit_is_told_in_one_sentence(monkeypatch, capsys):
    def full():
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("reports.cli.main.app", full)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "ulimit -n" in the_message(capsys.readouterr().err)
