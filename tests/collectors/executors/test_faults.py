"""Every fault that can befall a campaign, on purpose: each has its status in the store, and the campaign goes on."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from collectors.campaign.campaign import CampaignResult, run_campaign
from collectors.executors import InlineExecutor, LocalExecutor
from collectors.trial.trial import TrialRunner
from perfmodel.errors import InvalidConfigurationError, StoreBusyError, StoreFullError
from perfmodel.traces.store import TraceStore

linux = pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads its own size from /proc")


@pytest.fixture
def store(tmp_path):
    with TraceStore.writer(tmp_path / "traces.sqlite") as store:
        yield store


def local(make_runner, **more):
    return LocalExecutor(make_runner, **{"workers": 1, "threads": 1, "timeout_s": 300.0, "campaign": "faults", **more})


def ends(store):
    """Returns status and reason of every stored trial, by seed."""
    return {trace.asked.seed: (trace.measured.status, trace.measured.reason) for trace in store}


@linux
def test_memory_that_runs_out_in_a_worker(fakes, make_asked, store):
    """The kernel refuses an allocation of a real trial, whose batch is a thousand times too large for what is left."""
    large = make_asked(seed=1, batch_size=4096, steps=1, curve_points=1)
    run_campaign([make_asked(seed=0), large, make_asked(seed=2)], store, local(partial(fakes.CrampedRunner, 1, 2**29)))
    found = ends(store)
    assert found[1][0] == "oom"
    assert "allocate memory" in found[1][1]
    assert found[0] == found[2] == ("ok", "")


def test_a_loss_that_is_not_a_number(make_asked, store):
    trials = [make_asked(seed=0, learning_rate=1e30), make_asked(seed=1)]
    run_campaign(trials, store, InlineExecutor(TrialRunner(1, "faults")))
    found = ends(store)
    assert found[0][0] == "diverged"
    assert "the training loss is" in found[0][1]
    assert found[1] == ("ok", "")
    assert all(trace.measured.held_out_loss is None for trace in store if not trace.ok)


def test_a_worker_that_is_killed_and_one_that_takes_too_long(fakes, tmp_path, store):
    make = partial(fakes.FakeRunner, tmp_path, {1: "killed", 2: 600.0})
    run_campaign([fakes.asked(seed) for seed in range(4)], store, local(make, timeout_s=4.0))
    assert ends(store) == {
        0: ("ok", ""),
        1: ("failed", "the worker was ended by SIGKILL, as the kernel does when memory runs out"),
        2: ("timeout", "no result after 4 s"),
        3: ("ok", ""),
    }


def test_a_model_that_is_not_the_plan_s_fails_its_own_trials_only(make_asked, store, checkpoint, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    weights = next(damaged.glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    good = make_asked(seed=0)
    bad = [replace(good, seed=seed, setting=replace(good.setting, model=str(damaged))) for seed in (1, 2)]
    run_campaign([bad[0], good, bad[1], replace(good, seed=3)], store, InlineExecutor(TrialRunner(1, "faults")))
    found = ends(store)
    assert found[0] == found[3] == ("ok", "")
    for seed in (1, 2):
        assert found[seed][0] == "failed"
        assert f"model {damaged} has sha256" in found[seed][1]


def test_a_trial_that_nobody_could_run_still_ends_the_campaign(make_asked, store):
    with pytest.raises(InvalidConfigurationError, match="rank 64 is larger than the layer"):
        run_campaign([make_asked(seed=0, rank=64)], store, InlineExecutor(TrialRunner(1, "faults")))
    assert len(store) == 0


def page_limit(store, spare):
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count={pages + spare}")


def test_a_full_store_is_waited_for_and_no_trace_is_lost(fakes, store, tmp_path):
    said = []

    def make_room(text):
        said.append(text)
        page_limit(store, 1000)

    page_limit(store, 3)
    trials = [fakes.asked(seed) for seed in range(40)]
    executor = InlineExecutor(fakes.FakeRunner(tmp_path, {}))
    assert run_campaign(trials, store, executor, say=make_room, interval_s=0.01) == CampaignResult(ran=40, skipped=0)
    assert [trace.asked.seed for trace in store] == fakes.notes(tmp_path, "start") == list(range(40))
    assert len(said) == 2
    assert "cannot take another trace (database or disk is full): waiting up to 3600 s" in said[0]
    assert said[1] == "there is space again: the trace is stored, going on"


def test_when_patience_ends_what_was_stored_is_intact(fakes, store, tmp_path):
    page_limit(store, 3)
    trials = [fakes.asked(seed) for seed in range(40)]
    began = time.monotonic()
    with pytest.raises(StoreFullError, match="free some and run the same command again"):
        run_campaign(trials, store, InlineExecutor(fakes.FakeRunner(tmp_path, {})), patience_s=0.5, interval_s=0.1)
    assert 0.3 < time.monotonic() - began < 5
    kept = [trace.asked.seed for trace in store]
    assert kept == list(range(len(kept)))
    assert fakes.notes(tmp_path, "start") == [*kept, len(kept)]
    page_limit(store, 1000)
    result = run_campaign(trials, store, InlineExecutor(fakes.FakeRunner(tmp_path, {})))
    assert result == CampaignResult(ran=40 - len(kept), skipped=len(kept))
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with half a megabyte."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_really_full_is_waited_for(fakes, small_disk, tmp_path):
    filler = small_disk / "filler"
    said = []

    def make_room(text):
        said.append(text)
        filler.unlink(missing_ok=True)

    trials = [fakes.asked(seed) for seed in range(20)]
    with TraceStore.writer(small_disk / "traces.sqlite") as store:
        run_campaign(trials[:2], store, InlineExecutor(fakes.FakeRunner(tmp_path, {})))
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(bytes(2**20))
        run_campaign(trials, store, InlineExecutor(fakes.FakeRunner(tmp_path, {})), say=make_room, interval_s=0.01)
        assert [trace.asked.seed for trace in store] == list(range(20))
    assert fakes.notes(tmp_path, "start") == list(range(20))
    assert len(said) == 2


DRIVER = """
import sys
from pathlib import Path

from collectors.campaign.campaign import run_campaign
from collectors.executors import InlineExecutor
from fake_runner import FakeRunner, asked
from perfmodel.traces.store import TraceStore

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with TraceStore.writer(folder / "traces.sqlite") as store:
        run_campaign([asked(seed) for seed in range(4)], store, InlineExecutor(FakeRunner(folder, {1: 3.0})))
"""


def test_a_second_driver_is_refused_and_the_first_is_unharmed(fakes, tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    paths = os.pathsep.join([str(Path(__file__).parents[2] / "support"), str(Path(__file__).parents[3])])
    command = [sys.executable, str(script), str(tmp_path)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}) as first:
        assert fakes.wait_for(lambda: fakes.notes(tmp_path, "start") == [0, 1])
        with pytest.raises(StoreBusyError, match="is being written by another driver"):
            TraceStore.writer(tmp_path / "traces.sqlite")
        second = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert "StoreBusyError" in second.stderr
        assert first.poll() is None
        assert first.wait() == 0
    with TraceStore(tmp_path / "traces.sqlite") as store:
        assert [trace.asked.seed for trace in store] == list(range(4))
    assert fakes.notes(tmp_path, "start") == list(range(4))
