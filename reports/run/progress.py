"""What a person who waits sees: one bar a stage, and a line when something is said."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as RemainingColumn

from perfmodel.files.sizes import size_text
from perfmodel.traces.trace import Trace
from reports.run.plain_console import PlainConsole

LINES = 20

console = PlainConsole(stderr=True)


def hush() -> None:
    """Shows nothing from now on: neither bars nor lines."""
    console.quiet = True


def say(text: str) -> None:
    """Prints one line."""
    console.print(text)


@contextmanager
def bar(label: str, total: int | None) -> Iterator[Callable[[str], None]]:
    """Shows a bar while its block runs and gives a function that advances it by one and shows a note.

    Where the output is no terminal, notes are lines of their own, at most some twenty of them.

    Args:
        label: what is being waited for.
        total: steps, or None where their number is not known.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        RemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=total, note="")
        done = 0

        def advance(note: str) -> None:
            nonlocal done
            done += 1
            progress.update(task, advance=1, note=note)
            if not console.is_terminal and (total is None or done * LINES // total > (done - 1) * LINES // total):
                say(f"{label}: {done} of {total or '?'}: {note}")

        yield advance


@contextmanager
def steps_shown() -> Iterator[None]:
    """Shows, while its block runs, each line that trials log, such as a step of their preparation, once."""
    trials, steps = logging.getLogger("collectors"), Steps()
    level = trials.level
    trials.addHandler(steps)
    trials.setLevel(logging.INFO)
    try:
        yield
    finally:
        trials.removeHandler(steps)
        trials.setLevel(level)


class Steps(logging.Handler):
    """Prints each line that is logged, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the line of a record."""
        line = record.getMessage()
        if line not in self._told:
            self._told.add(line)
            say(line)


def outcome(trace: Trace) -> str:
    """Returns what came of a trial, in a few words."""
    measured = trace.measured
    if not trace.ok:
        return f"{measured.status}: {measured.reason}"
    assert measured.held_out_loss is not None
    assert measured.peak_memory_bytes is not None
    return f"loss {measured.held_out_loss:.3f} at {size_text(measured.peak_memory_bytes)}"
