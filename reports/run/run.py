"""One run: a suite, its folder, and what both settle (model, task, setting, space)."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.trial.retention import Retention
from datasets_cache import BaseModel, Task, load_task, resolve
from datasets_cache.shelf.shelf import Shelf, load_shelf
from perfmodel.errors import OutputFolderError
from perfmodel.files.json_file import read_json
from perfmodel.files.lock import held_or_refused
from perfmodel.files.processes import usable_cores
from perfmodel.files.whole_file import write_whole
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Space
from perfmodel.traces.trace import DeviceClass, Setting, Trace
from reports.run.suite import Suite

if TYPE_CHECKING:
    from collectors.executors import AbstractExecutor

Say = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """Everything a stage needs to know.

    Args:
        suite: validated.
        folder: where the run lives.
        command: that repeats it.
        say: tells the person who waits what is going on.
        make_executor: carries out trials in place of worker processes; a test hands in a fake one.
    """

    suite: Suite
    folder: Path
    command: str
    say: Say
    make_executor: "Callable[[Run], AbstractExecutor] | None" = None

    @cached_property
    def base_model(self) -> BaseModel:
        """The base model, fetched and checked."""
        return resolve(self.suite.model, progress=self.say)

    @cached_property
    def task(self) -> Task:
        """The task, checked."""
        return load_task(self.suite.task)

    @cached_property
    def device_class(self) -> DeviceClass:
        """Where trials run."""
        if self.suite.device != "auto":
            return self.suite.device
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def setting(self) -> Setting:
        """What is held fixed."""
        return Setting(
            model=self.suite.model,
            model_sha256=self.base_model.sha256,
            task=self.suite.task,
            task_sha256=self.task.sha256,
            recipe=self.suite.recipe,
            device_class=self.device_class,
        )

    @cached_property
    def architecture(self) -> Architecture:
        """Of the base model, unpruned."""
        return Architecture.from_config(self.base_model.config)

    @cached_property
    def space(self) -> Space:
        """The legal configurations."""
        return Space.for_architecture(
            self.architecture, **self.suite.space.model_dump(), methods=self.suite.methods.chosen()
        )

    @cached_property
    def shelf(self) -> Shelf | None:
        """The release that the suite names, if any."""
        return load_shelf(self.suite.fit.shelf) if self.suite.fit.shelf else None

    @cached_property
    def shelf_traces(self) -> list[Trace]:
        """The shelf's traces of this run's setting, units and methods."""
        traces = self.shelf.traces if self.shelf else ()
        return [
            trace
            for trace in traces
            if trace.asked.setting.identifier == self.setting.identifier
            and trace.asked.configuration.methods == self.space.methods
            and len(trace.asked.configuration.bits) == self.space.units
        ]

    @property
    def workers(self) -> int:
        """Worker processes: as asked, or on a CPU one a core up to four (each holds a model), on CUDA one."""
        asked = self.suite.collect.workers
        return asked if asked != "auto" else 1 if self.device_class == "cuda" else min(usable_cores(), 4)

    @property
    def threads(self) -> int:
        """Torch threads of each worker."""
        return max(1, usable_cores() // self.workers)

    def executor(self, retention: Retention) -> "AbstractExecutor":
        """Returns what carries out the run's trials.

        Args:
            retention: what of a trial stays in the run's folder.
        """
        if self.make_executor is not None:
            return self.make_executor(self)
        from collectors.executors import InlineExecutor, LocalExecutor, RayExecutor
        from collectors.trial.preflight import check_before_trials
        from collectors.trial.trial import TrialRunner

        for fit in check_before_trials(self.base_model, self.task, self.suite.recipe, self.device_class):
            if fit.left_out:
                self.say(fit.told(self.suite.recipe.max_length))
        section = self.suite.collect
        make_runner = partial(
            TrialRunner,
            self.threads,
            self.suite.name,
            checkpoints=self.checkpoints_folder.resolve(),
            retention=retention,
        )
        if section.executor == "inline":
            return InlineExecutor(make_runner())
        if section.executor == "ray":
            gpu_share = section.gpu_share if self.device_class == "cuda" else 0.0
            return RayExecutor(
                make_runner,
                workers=section.workers,
                threads=self.threads,
                gpu_share=gpu_share,
                timeout_s=section.timeout_s,
                campaign=self.suite.name,
                address=section.address,
            )
        return LocalExecutor(
            make_runner,
            workers=self.workers,
            threads=self.threads,
            timeout_s=section.timeout_s,
            campaign=self.suite.name,
        )

    @property
    def checkpoints_folder(self) -> Path:
        """Where trials leave their adapters."""
        return self.folder / "checkpoints"

    @property
    def store_path(self) -> Path:
        """The run's trace store."""
        return self.folder / "traces.sqlite"

    def prepare_folder(self) -> None:
        """Makes the run's folder.

        Raises:
            OutputFolderError: when it cannot be made or written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, str(error.strerror)) from error
        if not os.access(self.folder, os.W_OK):
            raise _unwritable(self.folder, "permission denied")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the run's folder, and keeps other drivers out of it while the block runs.

        Raises:
            OutputFolderError: when the folder cannot be made or written.
            StoreBusyError: when another driver holds it.
        """
        self.prepare_folder()
        lock = held_or_refused(self.folder / "run.lock", f"{self.folder} is in use by another driver")
        try:
            yield
        finally:
            lock.release()

    def write_json(self, name: str, values: Any) -> None:
        """Writes a JSON file of the run; see ``write_text``."""
        self.write_text(name, json.dumps(values, indent=1))

    def write_text(self, name: str, text: str) -> Path:
        """Writes a file of the run, whole or not at all, and returns its path.

        Raises:
            OutputFolderError: when the folder cannot be written.
        """
        path = self.folder / name
        write_whole(path, text)
        return path

    def read_json(self, name: str) -> Any:
        """Returns the content of a JSON file of the run.

        Raises:
            CorruptFileError: when it cannot be read.
        """
        action = "delete it; the stages that wrote it run again, and trials in the store are not repeated"
        return read_json(self.folder / name, action)


def _unwritable(path: Path, why: str) -> OutputFolderError:
    return OutputFolderError(f"{path} cannot be written ({why})", "a writable folder", "choose another with --folder")
