"""The loop that drives workers, with workers whose fate is written down."""

import time
from collections import deque

import pytest

from collectors.executors import driving
from collectors.executors.driving import Driving, Limits
from collectors.executors.worker import AbstractCrew, AbstractWorker, Lost
from perfmodel.errors import UserError
from perfmodel.traces.trace import Measured, Trace

NODE_DIED = Lost("failed", "the node that it ran on died", is_blameless=True)


class ScriptedWorker(AbstractWorker):
    def __init__(self, crew, state):
        self.crew, self._state, self._asked, self.stops = crew, state, None, 0

    def state(self):
        return self._state

    def give(self, asked):
        self.crew.given.append(asked.seed)
        self._asked, self._state = asked, "busy"

    def outcome(self):
        fate = self.crew.fates[self._asked.seed].popleft()
        if fate is None:
            return None
        self._state = "ended" if isinstance(fate, Lost) else "ready"
        return Trace(self._asked, Measured("ok"), self.crew.ran_on) if fate == "ok" else fate

    def record(self):
        return None

    def stop(self):
        self.stops += 1
        self._state = "ended"


class ScriptedCrew(AbstractCrew):
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


def drive(fakes, crew, seeds, timeout_s=60.0):
    traces = Driving([fakes.asked(seed) for seed in seeds], crew, Limits(timeout_s, 1, "test")).traces()
    return {trace.asked.seed: trace.measured for trace in traces}


def test_a_trial_whose_node_died_goes_first_on_the_next_worker(fakes):
    crew = ScriptedCrew(fakes, {0: [NODE_DIED, "ok"], 1: ["ok"]})
    assert {seed: measured.status for seed, measured in drive(fakes, crew, [0, 1]).items()} == {0: "ok", 1: "ok"}
    assert crew.given == [0, 0, 1]
    assert len(crew.workers) == 2


def test_a_trial_that_loses_every_node_is_a_failure_in_the_end(fakes):
    crew = ScriptedCrew(fakes, {0: [NODE_DIED] * 9, 1: ["ok"]})
    found = drive(fakes, crew, [0, 1])
    assert (found[0].status, found[0].reason) == ("failed", "the node that it ran on died")
    assert crew.given == [0] * driving.MOST_GOES + [1]


def test_a_trial_that_failed_by_itself_is_not_given_again(fakes):
    crew = ScriptedCrew(fakes, {0: [Lost("failed", "the worker died")]})
    assert drive(fakes, crew, [0])[0].reason == "the worker died"
    assert crew.given == [0]


def test_a_loss_without_a_record_says_that_the_machine_is_unknown(fakes):
    crew = ScriptedCrew(fakes, {0: [Lost("failed", "the worker died")]})
    [trace] = Driving([fakes.asked(0)], crew, Limits(60.0, 3, "test")).traces()
    assert (trace.ran_on.device_name, trace.ran_on.cores, dict(trace.ran_on.versions)) == ("unknown", 0, {})
    assert (trace.ran_on.threads, trace.ran_on.campaign) == (3, "test")


def test_workers_that_never_start_end_the_campaign(fakes):
    crew = ScriptedCrew(fakes, {}, size=1, states=["ended"] * 9)
    with pytest.raises(UserError, match="3 workers in a row ended before they could take a trial"):
        drive(fakes, crew, [0])
    assert len(crew.workers) == driving.MOST_STILLBORN


def test_there_are_no_more_workers_than_trials(fakes):
    crew = ScriptedCrew(fakes, {seed: ["ok"] for seed in range(3)}, size=8)
    assert len(drive(fakes, crew, range(3))) == 3
    assert len(crew.workers) == 3
    assert all(worker.stops == 1 for worker in crew.workers)


def test_what_ended_in_time_is_no_timeout_however_late_one_looks(fakes):
    crew = ScriptedCrew(fakes, {0: ["ok"], 1: [None, None]}, size=2)
    crew.wait = lambda workers, seconds: time.sleep(0.05)
    found = drive(fakes, crew, [0, 1], timeout_s=0.04)
    assert found[0].status == "ok"
    assert (found[1].status, found[1].reason) == ("timeout", "no result after 0.04 s")


def test_a_loss_that_is_looked_into_is_no_timeout(fakes):
    crew = ScriptedCrew(fakes, {0: [None, None, Lost("failed", "the worker died")]})
    crew.wait = lambda workers, seconds: (time.sleep(0.05), setattr(crew.workers[0], "_state", "lost"))
    assert drive(fakes, crew, [0], timeout_s=0.04)[0].reason == "the worker died"


def test_it_waits_for_the_nearest_time_limit(fakes):
    crew = ScriptedCrew(fakes, {0: [None, "ok"]})
    drive(fakes, crew, [0], timeout_s=60.0)
    assert crew.waits == pytest.approx([60.0, 60.0], abs=1.0)
