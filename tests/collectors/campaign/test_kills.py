"""A hundred kills of drivers and workers, by each signal: no fine-tune that ended is lost, doubled or changed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from perfmodel.errors import CorruptFileError
from perfmodel.traces.store import TraceStore

KILLS = 100
OF_A_DRIVER = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
OF_A_WORKER = (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT)
ENDED_BY = {signal.SIGKILL: {-9}, signal.SIGTERM: {130}, signal.SIGHUP: {130}, signal.SIGINT: {130}}
"""Exit codes of a driver, beside 0 where it had just ended."""

ROOT = Path(__file__).parents[3]


class Campaign:
    """One run's folder, its driver, and what was seen of its store so far."""

    def __init__(self, suite: Path, folder: Path) -> None:
        self.folder, self.seen = folder, {}
        self._command = [sys.executable, "-m", "reports.cli.main", "collect", str(suite), "--folder", str(folder)]

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(self._command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def stored(self) -> dict[str, float]:
        """Returns the loss of every trial that ended well, by key."""
        if not (self.folder / "traces.sqlite").is_file():
            return {}
        try:
            store = TraceStore(self.folder / "traces.sqlite")
        except CorruptFileError as error:
            if self.seen or "it holds no traces" not in error.given:
                raise
            return {}  # its driver is about to make the table
        with store:
            return {trace.asked.key: trace.measured.held_out_loss for trace in store if trace.ok}

    def stored_more(self, count: int) -> bool:
        """Returns whether more than so many trials have ended well."""
        return len(self.stored()) > count

    def check(self) -> None:
        """Holds that the store is whole and that nothing seen before has gone or changed."""
        with sqlite3.connect(self.folder / "traces.sqlite") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        now = self.stored()
        assert self.seen.items() <= now.items()
        self.seen = now


def workers(driver: int) -> list[int]:
    children = Path(f"/proc/{driver}/task/{driver}/children")
    found = [int(word) for word in children.read_text().split()] if children.exists() else []
    return [child for child in found if b"multiprocessing-fork" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are looked up in /proc")
def test_nothing_that_ended_is_lost_doubled_or_changed(checkpoint, task_file, tmp_path):
    suite = tmp_path / "suite.yaml"
    values = {
        "name": "kills",
        "model": str(checkpoint),
        "task": str(task_file),
        "recipe": {"steps": 3, "batch_size": 4, "max_length": 64, "eval_examples": 8, "curve_points": 1},
        "space": {"pruning_rates": [0.0, 0.25, 0.5], "bits": [2, 4, 8, 16], "ranks": [0, 4, 8]},
        "collect": {"configurations": 24, "repeated": 12, "seeds": [0, 1], "workers": 2, "retry": ["failed"]},
    }
    suite.write_text(yaml.safe_dump(values))
    undisturbed = Campaign(suite, tmp_path / "undisturbed")
    assert undisturbed.start().wait() == 0
    expected = undisturbed.stored()
    assert len(expected) > 30

    rng, kills, rounds, slowest = random.Random(0), 0, 0, 0.0
    while kills < KILLS:
        campaign, rounds = Campaign(suite, tmp_path / f"round-{rounds}"), rounds + 1
        while campaign.seen.keys() != expected.keys():
            driver = campaign.start()
            while driver.poll() is None and kills < KILLS:
                before, early = len(campaign.stored()), rng.random() < 0.3  # while workers start, or amid trials
                while driver.poll() is None and not (workers(driver.pid) if early else campaign.stored_more(before)):
                    time.sleep(0.05)
                time.sleep(rng.uniform(0.0, 2.0))
                there = workers(driver.pid)
                if driver.poll() is not None or not there:
                    continue
                kills += 1
                if rng.random() < 0.5:
                    os.kill(rng.choice(there), rng.choice(OF_A_WORKER))
                    continue
                sent = rng.choice(OF_A_DRIVER)
                begin = time.monotonic()
                driver.send_signal(sent)
                assert driver.wait(30) in {0, *ENDED_BY[sent]}
                while any(map(is_alive, there)):
                    assert time.monotonic() - begin < 30
                    time.sleep(0.02)
                slowest = max(slowest, time.monotonic() - begin)
            driver.wait()
            campaign.check()
    assert campaign.seen == expected
    print(f"{kills} kills over {rounds} campaigns of {len(expected)} trials; slowest end {slowest:.1f} s")
