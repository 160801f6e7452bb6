"""What comes of runs: ``bench status``, ``open`` the report, ``export`` the model it recommends, ``evaluate`` that."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from perfmodel.errors import StageOrderError
from perfmodel.files.json_file import read_json_object
from reports.cli.options import DebugOption, JsonOption
from reports.run.terminal import output_console

runs_app = typer.Typer()

PlaceArgument = Annotated[Path, typer.Argument(help="A run's folder, or one that holds runs.")]


@runs_app.command("status")
def status(
    place: PlaceArgument = Path("runs"),
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say which runs there are, which of their stages are done, and what they recommend."""
    rows = [run_status(folder) for folder in run_folders(place)]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    if not rows:
        typer.echo(f"no run in {place}: bench run makes one")
        return
    from rich.table import Table

    shown = Table()
    for name in ("run", "stages done", "fine-tunes", "recommended"):
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(row["folder"], ", ".join(row["done"]) or "none", str(row["fine_tunes"]), row["recommended"] or "")
    output_console(120).print(shown)


@runs_app.command("open")
def open_report(place: PlaceArgument = Path("runs"), debug: DebugOption = False) -> None:
    """Open the report of the last run in the browser, and print its path."""
    import webbrowser

    path = last_report(place)
    webbrowser.open(path.as_uri())
    typer.echo(str(path))


@runs_app.command("export")
def export_model(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    to: Annotated[Path, typer.Argument(help="The folder to write: new or empty.")],
    configuration: Annotated[
        str | None, typer.Option(help="Name in the report, such as B, or identifier; the recommended one by default.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Write the recommended choice of a run as a model to load, and for an unpruned base as a PEFT adapter too."""
    from reports.cli.export import export
    from reports.run.progress import say

    typer.echo(str(export(folder, to, configuration, say).resolve()))


@runs_app.command("evaluate")
def evaluate_model(
    folder: Annotated[Path, typer.Argument(help="An exported model's folder.")],
    task: Annotated[
        str | None, typer.Option(help="Task to score it on; the one it was fine-tuned on by default.")
    ] = None,
    examples: Annotated[int | None, typer.Option(min=1, help="Held-out examples; as its recipe by default.")] = None,
    lm_eval: Annotated[bool, typer.Option("--lm-eval", help="Score the same examples by lm-eval too.")] = False,
    debug: DebugOption = False,
) -> None:
    """Print the scores of an exported model as JSON."""
    from reports.cli.evaluate import evaluate_model as evaluated
    from reports.run.progress import say

    typer.echo(json.dumps(evaluated(folder, task, examples, say, with_lm_eval=lm_eval)))


def last_report(place: Path) -> Path:
    """Returns the path of the report that was written last.

    Args:
        place: a run's folder, or one that holds runs.

    Raises:
        StageOrderError: when none of the runs there has a report.
    """
    reports = [path for folder in run_folders(place) if (path := folder / "report" / "report.html").is_file()]
    if not reports:
        raise StageOrderError(f"no run in {place} has a report", "a run that is done", "run bench run first")
    return max(reports, key=lambda path: path.stat().st_mtime).resolve()


def run_folders(place: Path) -> list[Path]:
    """Returns the folders of runs: the place itself where it is one, else those in it, by name.

    Args:
        place: a folder; one that is not there holds none.
    """
    if (place / "suite.json").is_file():
        return [place]
    return sorted(path.parent for path in place.glob("*/suite.json"))


def run_status(folder: Path) -> dict[str, Any]:
    """Returns where a run stands: its folder, stages that are done, fine-tunes in its store, and what it recommends.

    Args:
        folder: of a run.

    Raises:
        CorruptFileError: when its store cannot be read.
    """
    from perfmodel.traces.store import TraceStore

    manifest, report = folder / "manifest.json", folder / "report" / "report.json"
    count = 0
    if (folder / "traces.sqlite").is_file():
        with TraceStore(folder / "traces.sqlite") as store:
            count = len(store.keys())
    answer = read_json_object(report).get("answer", {}) if report.is_file() else {}
    return {
        "folder": str(folder),
        "done": list(read_json_object(manifest)) if manifest.is_file() else [],
        "fine_tunes": count,
        "recommended": answer.get("numbers", {}).get("name"),
    }
