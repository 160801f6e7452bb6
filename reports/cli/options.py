"""What several commands are given alike: a suite with its overrides and its folder, and the run that they make."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reports.run.run import Run

SuiteArgument = Annotated[str, typer.Argument(help="A shipped suite's name or a YAML file.")]
OverridesArgument = Annotated[
    list[str] | None, typer.Argument(help="key=value, for example task=number_sequence validate.front=6")
]
FolderOption = Annotated[Path | None, typer.Option(help="The run's folder; runs/<suite's name> by default.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]
AddressOption = Annotated[
    str | None, typer.Option(help="Ray cluster that carries out the fine-tunes: auto, host:port or ray://...")
]


def open_run(suite: str, overrides: list[str] | None, folder: Path | None, command: str) -> "Run":
    """Returns the run of a suite as it was asked for.

    Args:
        suite: a shipped one's name or a file.
        overrides: of its keys.
        folder: of the run, ``runs/<suite's name>`` where left out.
        command: of ``bench``, for the line that repeats it.

    Raises:
        UserError: when there is no such suite, or a value is not allowed.
    """
    from reports.run.progress import say
    from reports.run.run import Run
    from reports.run.suite import load_suite

    loaded = load_suite(suite, overrides or [])
    repeated = shlex.join(["bench", command, suite, *(overrides or [])])
    return Run(loaded, folder or Path("runs") / loaded.name, repeated, say)
