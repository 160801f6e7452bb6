"""The cache: where it is, that one process writes at a time, and what its folder is."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import datasets_cache
from datasets_cache.files.cache import cache_folder, locked

COUNT_UP = """
import sys, time
from pathlib import Path
from datasets_cache.files.cache import locked
folder = Path(sys.argv[1])
for _ in range(10):
    with locked(folder, print):
        count = int((folder / "count").read_text())
        time.sleep(0.01)
        (folder / "count").write_text(str(count + 1))
"""


def test_the_cache_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFMODEL_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("PERFMODEL_CACHE")
    assert cache_folder().name == "perfmodel"


def test_two_processes_do_not_overwrite_each_other(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNT_UP, str(tmp_path)]
    root = Path(datasets_cache.__file__).parents[1]
    running = [subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    assert (tmp_path / "count").read_text() == "20"


def test_waiting_is_told(tmp_path: Path) -> None:
    told = threading.Event()
    entered = threading.Event()

    def wait() -> None:
        with locked(tmp_path, lambda line: told.set()):
            entered.set()

    with locked(tmp_path, print):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert told.wait(10)
        assert not entered.is_set()
    waiting.join(10)
    assert entered.is_set()
