"""A campaign runs what is not stored yet, stores what ends at once, and survives its own death."""

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from collectors.campaign.campaign import CampaignResult, run_campaign
from collectors.executors import InlineExecutor, LocalExecutor
from perfmodel.errors import InvalidConfigurationError, TrialsFailedError
from perfmodel.space.recipe import Recipe
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Measured, Trace


@pytest.fixture
def campaign(fakes, tmp_path):
    """Runs a campaign of fake trials in this process."""

    def run(trials, behaviours=None, **more):
        with TraceStore.writer(tmp_path / "traces.sqlite") as store:
            return run_campaign(trials, store, InlineExecutor(fakes.FakeRunner(tmp_path, behaviours or {})), **more)

    return run


def stored(folder):
    with TraceStore(folder / "traces.sqlite") as store:
        return [trace.asked.seed for trace in store]


def test_all_trials_are_run_in_order_and_stored(fakes, campaign, tmp_path):
    assert campaign([fakes.asked(seed) for seed in (2, 0, 1)]) == CampaignResult(ran=3, skipped=0)
    assert fakes.notes(tmp_path, "end") == stored(tmp_path) == [2, 0, 1]


def test_what_is_stored_is_not_run_again(fakes, campaign, tmp_path):
    campaign([fakes.asked(seed) for seed in (0, 2)])
    assert campaign([fakes.asked(seed) for seed in range(4)]) == CampaignResult(ran=2, skipped=2)
    assert fakes.notes(tmp_path, "start") == stored(tmp_path) == [0, 2, 1, 3]


def test_a_repeated_trial_is_run_once(fakes, campaign, tmp_path):
    assert campaign([fakes.asked(seed) for seed in (0, 1, 0, 0)]) == CampaignResult(ran=2, skipped=0)
    assert fakes.notes(tmp_path, "start") == [0, 1]


def test_each_trace_is_stored_before_it_is_told_of(fakes, campaign, tmp_path):
    heard = []
    campaign(
        [fakes.asked(seed) for seed in (0, 1)],
        on_trace=lambda trace: heard.append((trace.asked.seed, stored(tmp_path))),
    )
    assert heard == [(0, [0]), (1, [0, 1])]


def test_a_refusal_keeps_what_was_stored(fakes, campaign, tmp_path):
    with pytest.raises(InvalidConfigurationError):
        campaign([fakes.asked(seed) for seed in range(3)], {2: "refused"})
    assert stored(tmp_path) == [0, 1]
    assert campaign([fakes.asked(seed) for seed in range(3)]) == CampaignResult(ran=1, skipped=2)


def test_the_longest_trials_go_first_and_those_of_a_setting_together(fakes, campaign, tmp_path):
    long = replace(fakes.SETTING, recipe=Recipe(steps=40))
    trials = [replace(fakes.asked(seed), configuration=fakes.pruned(rate)) for seed, rate in enumerate((0.3, 0.0, 0.5))]
    trials += [replace(trial, setting=long, seed=trial.seed + 10) for trial in trials]
    campaign(trials)
    assert fakes.notes(tmp_path, "start") == [11, 10, 12, 1, 0, 2]


def test_only_what_ended_badly_is_run_again_where_that_is_asked_for(fakes, campaign, tmp_path):
    trials = [fakes.asked(seed) for seed in range(4)]
    ends = {1: "timeout", 2: "failed", 3: "diverged"}
    with TraceStore.writer(tmp_path / "traces.sqlite") as store:
        for trial in trials:
            store.add(Trace(trial, Measured(ends.get(trial.seed, "ok"), "so it was"), fakes.RAN_ON))

    assert campaign(trials) == CampaignResult(ran=0, skipped=4)
    assert campaign(trials, retry=("timeout", "failed")) == CampaignResult(ran=2, skipped=2)
    assert sorted(fakes.notes(tmp_path, "start")) == [1, 2]
    with TraceStore(tmp_path / "traces.sqlite") as store:
        statuses = {trace.asked.seed: (trace.measured.status, trace.measured.reason) for trace in store}
        assert len(store) == 4
    assert statuses == {0: ("ok", "so it was"), 1: ("ok", ""), 2: ("ok", ""), 3: ("diverged", "so it was")}


def test_a_trial_that_is_run_again_keeps_its_trace_until_there_is_a_new_one(fakes, campaign, tmp_path):
    trial = fakes.asked(0)
    with TraceStore.writer(tmp_path / "traces.sqlite") as store:
        store.add(Trace(trial, Measured("failed", "so it was"), fakes.RAN_ON))
    with pytest.raises(InvalidConfigurationError):
        campaign([trial], {0: "refused"}, retry=("failed",))
    with TraceStore(tmp_path / "traces.sqlite") as store:
        assert [trace.measured.reason for trace in store] == ["so it was"]


def test_a_listener_that_fails_ends_what_runs(fakes, tmp_path):
    """The error's traceback holds the generator, so that only closing it stops the workers."""
    executor = LocalExecutor(
        partial(fakes.FakeRunner, tmp_path, {1: 600.0}), workers=2, threads=1, timeout_s=900, campaign="test"
    )

    def fail(trace):
        assert fakes.wait_for(lambda: len(fakes.notes(tmp_path, "start")) == 2)
        raise KeyboardInterrupt

    with TraceStore.writer(tmp_path / "traces.sqlite") as store, pytest.raises(KeyboardInterrupt) as caught:
        run_campaign([fakes.asked(0), fakes.asked(1)], store, executor, fail)
    assert not any(fakes.is_running(process) for process in fakes.processes(tmp_path))
    assert caught.tb is not None


DRIVER = """
import sys
from functools import partial
from pathlib import Path

from collectors.campaign.campaign import run_campaign
from collectors.executors import InlineExecutor, LocalExecutor
from fake_runner import FakeRunner, asked
from perfmodel.traces.store import TraceStore

if __name__ == "__main__":
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    make = partial(FakeRunner, folder, dict.fromkeys(range(6), 0.3))
    local = LocalExecutor(make, workers=2, threads=1, timeout_s=900, campaign="")
    with TraceStore.writer(folder / "traces.sqlite") as store:
        run_campaign([asked(seed) for seed in range(6)], store, InlineExecutor(make()) if kind == "inline" else local)
"""


@pytest.mark.parametrize("kind", ["inline", "local"])
def test_a_killed_campaign_goes_on_where_it_was(fakes, tmp_path, kind):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    paths = os.pathsep.join([str(Path(__file__).parents[2] / "support"), str(Path(__file__).parents[3])])
    command = [sys.executable, str(script), str(tmp_path), kind]
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, env=environment) as driver:
        # The fourth trial is running: at least two have ended, at least one has not.
        assert fakes.wait_for(lambda: len(fakes.notes(tmp_path, "start")) == 4)
        driver.send_signal(signal.SIGKILL)
    if Path("/proc/self/stat").is_file():
        assert fakes.wait_for(lambda: not any(fakes.is_running(process) for process in fakes.processes(tmp_path)), 10)
    kept = stored(tmp_path)
    assert 2 <= len(kept) < 6

    subprocess.run(command, env=environment, check=True)
    assert sorted(stored(tmp_path)) == list(range(6))
    started = fakes.notes(tmp_path, "start")
    assert all(started.count(seed) == 1 for seed in kept)
    assert all(started.count(seed) <= 2 for seed in range(6))
    assert any(started.count(seed) == 2 for seed in range(6))  # the one that was cut off, or this test shows nothing
    with sqlite3.connect(tmp_path / "traces.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()

    subprocess.run(command, env=environment, check=True)
    assert fakes.notes(tmp_path, "start") == started


def test_a_setting_that_fails_every_trial_stops_the_campaign_after_the_second(fakes, campaign, tmp_path):
    with pytest.raises(TrialsFailedError, match="the last with: as it was told"):
        campaign([fakes.asked(seed) for seed in range(9)], dict.fromkeys(range(9), "failed"))
    assert stored(tmp_path) == [0, 1]


def test_one_trial_that_works_and_other_settings_keep_a_campaign_going(fakes, campaign, tmp_path):
    campaign([fakes.asked(seed) for seed in range(5)], dict.fromkeys(range(1, 5), "failed"))
    other = replace(fakes.asked(9), setting=replace(fakes.SETTING, recipe=Recipe(steps=5)))
    campaign([fakes.asked(6), fakes.asked(7), other], {6: "failed", 7: "failed"})
    assert stored(tmp_path) == [0, 1, 2, 3, 4, 6, 7, 9]
