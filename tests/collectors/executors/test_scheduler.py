"""The loop that drives workers, with workers whose fate is written down."""

import time
from collections import deque

import pytest

from collectors.executors import scheduler
from collectors.executors.scheduler import Limits, Scheduler
from collectors.executors.worker import AbstractWorker, AbstractWorkerPool, Lost
from perfmodel.errors import UserError
from perfmodel.traces.trace import Measured, Trace

NODE_DIED = Lost("failed", "the node that it ran on died", is_node_failure=True)


class ScriptedWorker(AbstractWorker):
    def __init__(self, pool, state):
        self.pool, self._state, self._asked, self.stops = pool, state, None, 0

    def state(self):
        return self._state

    def give(self, asked):
        self.pool.given.append(asked.seed)
        self._asked, self._state = asked, "busy"

    def outcome(self):
        fate = self.pool.fates[self._asked.seed].popleft()
        if fate is None:
            return None
        self._state = "ended" if isinstance(fate, Lost) else "ready"
        return Trace(self._asked, Measured("ok"), self.pool.ran_on) if fate == "ok" else fate

    def record(self):
        return None

    def stop(self):
        self.stops += 1
        self._state = "ended"


class ScriptedPool(AbstractWorkerPool):
    """Workers whose trials end as written: ``ok``, None for still running, or a loss."""

    def __init__(self, fakes, fates, size=1, states=()):
        self.ran_on, self.fates, self._size = fakes.RAN_ON, {seed: deque(each) for seed, each in fates.items()}, size
        self.states, self.workers, self.given, self.waits = deque(states), [], [], []

    def size(self):
        return self._size

    def start(self):
        self.workers.append(ScriptedWorker(self, self.states.popleft() if self.states else "ready"))
        return self.workers[-1]

    def wait(self, workers, seconds):
        self.waits.append(seconds)


def drive(fakes, pool, seeds, timeout_s=60.0):
    traces = Scheduler([fakes.asked(seed) for seed in seeds], pool, Limits(timeout_s, 1, "test")).traces()
    return {trace.asked.seed: trace.measured for trace in traces}


def test_a_trial_whose_node_died_goes_first_on_the_next_worker(fakes):
    pool = ScriptedPool(fakes, {0: [NODE_DIED, "ok"], 1: ["ok"]})
    assert {seed: measured.status for seed, measured in drive(fakes, pool, [0, 1]).items()} == {0: "ok", 1: "ok"}
    assert pool.given == [0, 0, 1]
    assert len(pool.workers) == 2


def test_a_trial_that_loses_every_node_is_a_failure_in_the_end(fakes):
    pool = ScriptedPool(fakes, {0: [NODE_DIED] * 9, 1: ["ok"]})
    found = drive(fakes, pool, [0, 1])
    assert (found[0].status, found[0].reason) == ("failed", "the node that it ran on died")
    assert pool.given == [0] * scheduler.MOST_STARTS + [1]


def test_a_trial_that_failed_by_itself_is_not_given_again(fakes):
    pool = ScriptedPool(fakes, {0: [Lost("failed", "the worker died")]})
    assert drive(fakes, pool, [0])[0].reason == "the worker died"
    assert pool.given == [0]


def test_a_loss_without_a_record_says_that_the_machine_is_unknown(fakes):
    pool = ScriptedPool(fakes, {0: [Lost("failed", "the worker died")]})
    [trace] = Scheduler([fakes.asked(0)], pool, Limits(60.0, 3, "test")).traces()
    assert (trace.ran_on.device_name, trace.ran_on.cores, dict(trace.ran_on.versions)) == ("unknown", 0, {})
    assert (trace.ran_on.threads, trace.ran_on.campaign) == (3, "test")


def test_workers_that_never_start_end_the_campaign(fakes):
    pool = ScriptedPool(fakes, {}, size=1, states=["ended"] * 9)
    with pytest.raises(UserError, match="3 workers in a row ended before they could take a trial"):
        drive(fakes, pool, [0])
    assert len(pool.workers) == scheduler.MOST_FAILED_STARTS


def test_there_are_no_more_workers_than_trials(fakes):
    pool = ScriptedPool(fakes, {seed: ["ok"] for seed in range(3)}, size=8)
    assert len(drive(fakes, pool, range(3))) == 3
    assert len(pool.workers) == 3
    assert all(worker.stops == 1 for worker in pool.workers)


def test_what_ended_in_time_is_no_timeout_however_late_one_looks(fakes):
    pool = ScriptedPool(fakes, {0: ["ok"], 1: [None, None]}, size=2)
    pool.wait = lambda workers, seconds: time.sleep(0.05)
    found = drive(fakes, pool, [0, 1], timeout_s=0.04)
    assert found[0].status == "ok"
    assert (found[1].status, found[1].reason) == ("timeout", "no result after 0.04 s")


def test_a_loss_that_is_looked_into_is_no_timeout(fakes):
    pool = ScriptedPool(fakes, {0: [None, None, Lost("failed", "the worker died")]})
    pool.wait = lambda workers, seconds: (time.sleep(0.05), setattr(pool.workers[0], "_state", "lost"))
    assert drive(fakes, pool, [0], timeout_s=0.04)[0].reason == "the worker died"


def test_it_waits_for_the_nearest_time_limit(fakes):
    pool = ScriptedPool(fakes, {0: [None, "ok"]})
    drive(fakes, pool, [0], timeout_s=60.0)
    assert pool.waits == pytest.approx([60.0, 60.0], abs=1.0)
