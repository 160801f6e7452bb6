"""Runners that stand in for real fine-tunes; a module of its own, since a spawned worker imports it by name."""

import logging
import os
import resource
import signal
import struct
import sys
import time
from dataclasses import replace
from pathlib import Path

from perfmodel.errors import InvalidConfigurationError
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Asked, Measured, RanOn, Setting, Trace

SETTING = Setting("tiny", "0" * 64, "sums", "1" * 64, Recipe(), "cpu")
RAN_ON = RanOn("fake", "", 1, 1, {}, "0", "2025-01-01T00:00:00+00:00", "worker")


def asked(seed: int) -> Asked:
    return Asked(SETTING, Configuration.uniform(4, bits=4, rank=2), seed, "plan")


def pruned(rate: float) -> Configuration:
    return Configuration.uniform(4, bits=4, rank=2, pruning_rate=rate)


class FakeRunner:
    """Notes the start and the end of every trial in a side file, and misbehaves where its seed says so.

    Args:
        folder: where the side file ``trials.txt`` lies.
        behaviours: by seed; the number of seconds to take, or the name of a misfortune.
    """

    def __init__(self, folder: Path, behaviours: dict[int, float | str]) -> None:
        self._folder = folder
        self._behaviours = behaviours
        self._ran = 0

    def __call__(self, asked: Asked) -> Trace:
        behaviour = self._behaviours.get(asked.seed, 0.0)
        self._note(f"start {asked.seed} {os.getpid()}")
        if behaviour == "failed":
            return Trace(asked, Measured("failed", "as it was told"), RAN_ON)
        if isinstance(behaviour, str):
            getattr(self, behaviour)()
        else:
            time.sleep(behaviour)
        self._note(f"end {asked.seed} {os.getpid()}")
        self._ran += 1
        measured = Measured("ok", held_out_loss=float(asked.seed), accuracy_examples=self._ran)
        return Trace(asked, measured, replace(RAN_ON, device_name=os.environ.get("CUDA_VISIBLE_DEVICES", "none")))

    def _note(self, line: str) -> None:
        with (self._folder / "trials.txt").open("a") as file:
            file.write(line + "\n")

    def killed(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def killed_later(self) -> None:
        time.sleep(0.5)
        self.killed()

    def waiting_for_company(self) -> None:
        wanted = int((self._folder / "wanted").read_text())
        wait_for(lambda: len(processes(self._folder)) >= wanted, 900)

    def logging_a_step(self) -> None:
        logging.getLogger("collectors.somewhere").info("loading %s", "tiny")

    def crashed(self) -> None:
        os.kill(os.getpid(), signal.SIGABRT)

    def exited(self) -> None:
        os._exit(7)

    def refused(self) -> None:
        raise InvalidConfigurationError("bits[0] is 5", "2 or 4", "choose one of these")

    def forgotten(self) -> None:
        raise ValueError("a bug in the runner")

    def killed_while_sending(self) -> None:
        connection = sys._getframe(3).f_locals["connection"]
        os.write(connection.fileno(), struct.pack("!i", 1000) + b"half a trace")
        self.killed()


class FragileRunner:
    """Runs real trials, and dies at some seeds before anything heavy is loaded.

    Args:
        dies_at: the seeds.
    """

    def __init__(self, dies_at: tuple[int, ...]) -> None:
        self._dies_at = dies_at
        self._runner = None

    def __call__(self, asked: Asked) -> Trace:
        if asked.seed in self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        from collectors.trial.trial import TrialRunner

        self._runner = self._runner or TrialRunner(1, "fragile")
        return self._runner(asked)


class CrampedRunner:
    """Runs real trials, one of them in a process that may hardly grow.

    Args:
        cramped_at: its seed.
        spare_bytes: of address space beyond what the process has when it starts.
    """

    def __init__(self, cramped_at: int, spare_bytes: int) -> None:
        from collectors.trial.trial import TrialRunner

        self._runner = TrialRunner(1, "cramped")
        self._cramped_at = cramped_at
        self._spare_bytes = spare_bytes

    def __call__(self, asked: Asked) -> Trace:
        before = resource.getrlimit(resource.RLIMIT_AS)
        if asked.seed == self._cramped_at:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + self._spare_bytes
            resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
        try:
            return self._runner(asked)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)


def notes(folder: Path, kind: str) -> list[int]:
    """Returns the seeds of the trials that have started or ended, in order."""
    file = folder / "trials.txt"
    lines = file.read_text().splitlines() if file.is_file() else []
    return [int(line.split()[1]) for line in lines if line.startswith(kind)]


def processes(folder: Path) -> set[int]:
    """Returns the processes that have run trials."""
    return {int(line.split()[2]) for line in (folder / "trials.txt").read_text().splitlines()}


def is_running(process: int) -> bool:
    """Returns whether a process lives; one that is dead and not yet collected by its parent does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition, seconds: float = 30.0) -> bool:
    """Returns whether a condition came true in time; a machine that stands still for a while uses none of it up."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return True
        time.sleep(0.02)
    return False
