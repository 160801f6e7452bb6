"""Trials in this process and in workers; what happens to one never touches another."""

import multiprocessing
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from collectors.executors import InlineExecutor, LocalExecutor, local_worker
from collectors.executors.gpus import visible_gpus
from collectors.executors.worker import Lost
from perfmodel.errors import InvalidConfigurationError

linux = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="reads process states from /proc")


@pytest.fixture
def local(fakes, tmp_path):
    """Makes an executor of fake trials that note what they do in ``tmp_path``."""

    def make(behaviours=None, *, workers=1, timeout_s=900.0):
        return LocalExecutor(
            partial(fakes.FakeRunner, tmp_path, behaviours or {}),
            workers=workers,
            threads=1,
            timeout_s=timeout_s,
            campaign="test",
        )

    return make


def by_seed(traces):
    return {trace.asked.seed: trace for trace in traces}


def test_inline_runs_in_order_and_one_at_a_time(fakes, tmp_path):
    traces = InlineExecutor(fakes.FakeRunner(tmp_path, {})).run([fakes.asked(seed) for seed in (3, 1, 2)])
    assert next(traces).asked.seed == 3
    assert fakes.notes(tmp_path, "start") == [3]
    assert [trace.asked.seed for trace in traces] == [1, 2]
    assert fakes.processes(tmp_path) == {os.getpid()}


def test_inline_lets_a_refusal_out(fakes, tmp_path):
    runner = fakes.FakeRunner(tmp_path, {0: "refused"})
    with pytest.raises(InvalidConfigurationError):
        list(InlineExecutor(runner).run([fakes.asked(0)]))


def test_every_trace_comes_once_with_several_workers(fakes, local, tmp_path):
    trials = [fakes.asked(seed) for seed in range(9)]
    traces = list(local(dict.fromkeys(range(9), 0.15), workers=3).run(trials))
    assert sorted(trace.asked.seed for trace in traces) == list(range(9))
    assert all(trace.ok and trace.measured.held_out_loss == trace.asked.seed for trace in traces)
    assert sorted(fakes.notes(tmp_path, "start")) == list(range(9))
    assert os.getpid() not in fakes.processes(tmp_path)
    assert len(fakes.processes(tmp_path)) == 3


def test_a_worker_lives_through_many_trials(fakes, local):
    traces = list(local().run([fakes.asked(seed) for seed in range(4)]))
    assert [trace.asked.seed for trace in traces] == [0, 1, 2, 3]
    assert [trace.measured.accuracy_examples for trace in traces] == [1, 2, 3, 4]  # the runner's own count


def test_what_a_worker_logs_is_logged_by_its_driver(fakes, local, caplog):
    caplog.set_level("INFO", "collectors")
    traces = list(local({0: "logging_a_step"}).run([fakes.asked(0)]))
    assert traces[0].ok
    assert "loading tiny" in caplog.messages


def test_nothing_to_do_starts_nothing(local, tmp_path):
    assert list(local().run([])) == []
    assert not (tmp_path / "trials.txt").exists()


@pytest.mark.parametrize(
    ("misfortune", "reason"),
    [
        ("killed", "the worker was ended by SIGKILL, as the kernel does when memory runs out"),
        ("crashed", "the worker was ended by SIGABRT"),
        ("exited", "the worker ended with exit code 7"),
        ("forgotten", "the worker ended with exit code 1"),
        ("killed_while_sending", "the worker was ended by SIGKILL, as the kernel does when memory runs out"),
    ],
)
def test_a_lost_worker_is_one_failed_trial_and_the_others_go_on(fakes, local, tmp_path, misfortune, reason):
    traces = by_seed(local({1: misfortune}).run([fakes.asked(seed) for seed in range(4)]))
    assert sorted(traces) == [0, 1, 2, 3]
    assert (traces[1].measured.status, traces[1].measured.reason) == ("failed", reason)
    assert traces[1].measured.held_out_loss is None
    assert (traces[1].ran_on.campaign, traces[1].ran_on.threads) == ("test", 1)
    assert all(traces[seed].ok for seed in (0, 2, 3))
    assert fakes.notes(tmp_path, "start") == [0, 1, 2, 3]
    assert len(fakes.processes(tmp_path)) == 2


def test_one_worker_s_loss_leaves_the_other_worker_alone(fakes, local):
    trials = [fakes.asked(seed) for seed in range(6)]
    traces = by_seed(local({0: "killed", 1: 0.5, 3: "exited"}, workers=2).run(trials))
    assert {seed: trace.measured.status for seed, trace in traces.items()} == {
        seed: "failed" if seed in (0, 3) else "ok" for seed in range(6)
    }


def test_a_worker_that_is_still_dying_is_a_failure_and_no_timeout(fakes, monkeypatch):
    """A process's ends close one after the other, and a moment before ``is_alive`` says no."""

    class Dying:
        exitcode = None

        def __init__(self, **kwargs):
            self.sentinel, write = os.pipe()
            os.close(write)

        def start(self):
            pass

        def is_alive(self):
            return self.exitcode is None

        def join(self, timeout):
            self.exitcode = 7

    monkeypatch.setattr(multiprocessing.get_context("spawn"), "Process", Dying, raising=False)
    worker = local_worker.LocalWorker(None)
    worker.give(fakes.asked(0))
    assert worker.outcome() == Lost("failed", "the worker ended with exit code 7")
    os.close(worker.ends[1])
    worker.ends[0].close()


@linux
def test_a_trial_that_takes_too_long_is_a_timeout_and_its_worker_is_gone(fakes, local, tmp_path):
    traces = by_seed(local({1: 600.0}, timeout_s=5.0).run([fakes.asked(seed) for seed in range(3)]))
    assert (traces[1].measured.status, traces[1].measured.reason) == ("timeout", "no result after 5 s")
    assert traces[0].ok
    assert traces[2].ok
    assert fakes.notes(tmp_path, "end") == [0, 2]
    assert not any(fakes.is_running(process) for process in fakes.processes(tmp_path))


@linux
def test_a_refusal_ends_the_campaign_with_its_own_text_and_leaves_no_worker(fakes, local, tmp_path):
    traces = local({2: "refused"}).run([fakes.asked(seed) for seed in range(4)])
    assert [next(traces).asked.seed, next(traces).asked.seed] == [0, 1]
    with pytest.raises(InvalidConfigurationError, match=r"bits\[0\] is 5; 2 or 4; choose one of these") as caught:
        next(traces)
    assert caught.value.action == "choose one of these"
    assert not any(fakes.is_running(process) for process in fakes.processes(tmp_path))


@linux
def test_a_consumer_that_stops_leaves_no_worker(fakes, local, tmp_path):
    traces = local(workers=2).run([fakes.asked(seed) for seed in range(6)])
    next(traces)
    traces.close()
    assert not any(fakes.is_running(process) for process in fakes.processes(tmp_path))


DRIVER = """
import sys
from functools import partial
from pathlib import Path

from collectors.executors import LocalExecutor
from fake_runner import FakeRunner, asked

if __name__ == "__main__":
    make = partial(FakeRunner, Path(sys.argv[1]), {0: 600.0, 1: 600.0})
    list(LocalExecutor(make, workers=2, threads=1, timeout_s=900, campaign="").run([asked(0), asked(1)]))
"""


@linux
def test_no_worker_outlives_a_driver_that_is_killed(fakes, tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    paths = os.pathsep.join([str(Path(__file__).parents[2] / "support"), str(Path(__file__).parents[3])])
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env={**os.environ, "PYTHONPATH": paths}
    ) as driver:
        assert fakes.wait_for(lambda: len(fakes.notes(tmp_path, "start")) == 2)
        workers = fakes.processes(tmp_path)
        assert all(fakes.is_running(worker) for worker in workers)
        driver.send_signal(signal.SIGKILL)
    assert fakes.wait_for(lambda: not any(fakes.is_running(worker) for worker in workers), 10)


SLOW_TO_LOAD = """
import os, sys
from pathlib import Path

from collectors.executors.local_worker import LocalWorker


class SlowToLoad:
    def __reduce__(self):
        return load, (sys.argv[1],)


def load(folder):
    Path(folder, "worker").write_text(str(os.getpid()))
    sum(range(10**11))  # holds the interpreter, as an import of large libraries does


if __name__ == "__main__":
    LocalWorker(SlowToLoad())
    input()
"""


@linux
def test_a_worker_that_is_still_loading_ends_with_its_driver(fakes, tmp_path):
    script, noted = tmp_path / "driver.py", tmp_path / "worker"
    script.write_text(SLOW_TO_LOAD)
    command, paths = [sys.executable, str(script), str(tmp_path)], str(Path(__file__).parents[3])
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stdin=subprocess.PIPE) as driver:
        assert fakes.wait_for(lambda: noted.is_file() and noted.read_text(), 60)
        driver.send_signal(signal.SIGTERM)
    assert fakes.wait_for(lambda: not fakes.is_running(int(noted.read_text())), 2)


@pytest.mark.parametrize(
    ("named", "expected"),
    [("2", ("2",)), ("0, GPU-1a", ("0", "GPU-1a")), ("", ()), ("-1", ())],
)
def test_the_visible_gpus_are_those_of_this_process(monkeypatch, named, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == expected


def test_without_a_setting_the_driver_lists_the_gpus(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == ()
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho GPU-11\necho GPU-22\n")
    tool.chmod(0o755)
    assert visible_gpus() == ("GPU-11", "GPU-22")
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert visible_gpus() == ()


def test_workers_are_spread_over_the_gpus_and_a_replacement_takes_the_free_place(fakes, tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    make = partial(fakes.FakeRunner, tmp_path, {**dict.fromkeys(range(4, 9), 0.5), 0: 1.5, 1: 1.5, 2: 1.5, 3: "killed"})
    executor = LocalExecutor(make, workers=4, threads=1, timeout_s=900, campaign="test", gpus=("GPU-a", "GPU-b"))
    traces = by_seed(executor.run([fakes.asked(seed) for seed in range(9)]))
    assert [traces[seed].ran_on.device_name for seed in range(3)] == ["GPU-a", "GPU-b", "GPU-a"]
    assert traces[3].measured.status == "failed"
    assert traces[4].ran_on.device_name == "GPU-b"  # the replacement's first
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_a_real_trial_in_a_worker_is_as_one_in_this_process(make_asked):
    from collectors.trial.trial import TrialRunner

    executor = LocalExecutor(partial(TrialRunner, 1, "real"), workers=1, threads=1, timeout_s=900, campaign="real")
    [trace] = executor.run([make_asked(bits=4)])
    assert trace.ok, trace.measured.reason
    assert trace.ran_on.campaign == "real"
    here = TrialRunner(1, "here")(make_asked(bits=4))
    assert trace.measured.held_out_loss == pytest.approx(here.measured.held_out_loss, abs=1e-4)
    assert trace.measured.peak_memory_bytes == pytest.approx(here.measured.peak_memory_bytes, rel=1e-3)
