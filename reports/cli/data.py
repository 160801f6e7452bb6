"""``bench data``: the published traces: list, show, verify, fetch, export."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfmodel.errors import FailedCheckError, OutputFolderError, UserError
from reports.cli.options import DebugOption, JsonOption
from reports.run.terminal import output_console, printable

if TYPE_CHECKING:
    from datasets_cache.shelf.verify import Verification

data_app = typer.Typer(help="The published traces: list, show, verify, fetch and export them.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Name of a release; bench data ls lists them.")]

FORMATS = (".csv", ".parquet", ".sqlite")
SHOWN_PROBLEMS = 20


@data_app.command("ls")
def list_releases(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the releases that are here."""
    import json

    from rich.table import Table

    from datasets_cache.shelf.shelf import SHELF_DATA, shelf_files
    from perfmodel.traces.parquet import read_table

    rows = []
    for name, path in shelf_files().items():
        columns = read_table(path, columns=["status", "task", "model", "device_class"]).to_pydict()
        rows.append(
            {
                "name": name,
                "traces": len(columns["status"]),
                "ok": columns["status"].count("ok"),
                **{f"{each}s": sorted(set(columns[each])) for each in ("task", "model", "device_class")},
                "bytes": path.stat().st_size,
                "where": "shipped" if SHELF_DATA in path.parents else str(path.parent),
            }
        )
    if as_json:
        typer.echo(json.dumps(rows))
        return
    shown = Table()
    for column in ("name", "traces", "ok", "tasks", "models", "devices", "bytes", "where"):
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(", ".join(each) if isinstance(each, list) else str(each) for each in row.values()))
    output_console(160).print(shown)


@data_app.command("show")
def show_card(name: NameArgument, debug: DebugOption = False) -> None:
    """Print the data card of a release."""
    from datasets_cache.shelf.shelf import load_shelf

    typer.echo(load_shelf(name).card, nl=False)


@data_app.command("verify")
def verify_data(
    what: Annotated[
        str | None,
        typer.Argument(help="A release or a Parquet file of traces; every data file here by default."),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Recompute every checksum and check every trace; exit status 1 where something does not hold."""
    import json
    from dataclasses import asdict

    from datasets_cache.shelf.shelf import shelf_files
    from datasets_cache.shelf.shipped_files import ShippedFiles, check_shipped_files, shipped_files
    from datasets_cache.shelf.verify import rows_of, verify
    from reports.run.progress import bar

    names = [what] if what is not None else list(shelf_files())
    with bar("traces", sum(map(rows_of, names))) as advance:
        found = [verify(each, advance) for each in names]
    shipped = ShippedFiles(0, ())
    if what is None:
        with bar("files", len(shipped_files())) as advance:
            shipped = check_shipped_files(advance=advance)
    if as_json:
        typer.echo(json.dumps({"shipped": asdict(shipped), "traces": [asdict(each) for each in found]}, default=str))
    else:
        if what is None:
            typer.echo(f"shipped files: {shipped.files} checksums, {len(shipped.problems)} problems")
            _tell_problems(shipped.problems)
        for each in found:
            _tell(each)
    problems = [*shipped.problems, *(problem for each in found for problem in each.problems)]
    if problems:
        raise FailedCheckError(
            f"{len(problems)} things do not hold, the first: {problems[0]}",
            "published files never change",
            "fetch the release again, or install this package again",
        )


@data_app.command("fetch")
def fetch(
    name: NameArgument,
    source: Annotated[
        str | None, typer.Option("--from", help="http(s) address or folder that holds registry.txt and the release.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Bring a release that lies elsewhere into the cache, check it, and print where its traces are."""
    from datasets_cache.shelf.fetch import fetch_release
    from reports.run.progress import say

    typer.echo(str(fetch_release(name, source, say)))


@data_app.command("export")
def export(
    name: NameArgument,
    to: Annotated[Path, typer.Option(help="The file to write: .csv, .parquet or .sqlite (a trace store).")],
    debug: DebugOption = False,
) -> None:
    """Write the traces of a release to one file."""
    from datasets_cache.shelf.shelf import load_shelf, shelf_file

    if to.suffix not in FORMATS:
        raise UserError(f"{to} ends in {to.suffix!r}", f"allowed are {', '.join(FORMATS)}", "choose one of these")
    if to.exists():
        raise OutputFolderError(f"{to} exists", "a file that does not exist yet", "choose another name or move it away")
    count = len(load_shelf(name).traces)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        {".csv": _to_csv, ".parquet": _to_parquet, ".sqlite": _to_store}[to.suffix](shelf_file(name), to)
    except OSError as error:
        raise OutputFolderError(
            f"{to} cannot be written ({error})", "a writable folder", "choose another folder"
        ) from error
    typer.echo(f"{count} traces in {to}")


def _tell(found: "Verification") -> None:
    typer.echo(f"{found.file.stem}: {found.traces} traces, {found.checksums} checksums, {len(found.problems)} problems")
    _tell_problems(found.problems)
    for what in found.unchecked:
        typer.echo(f"  not checked: {what}")


def _tell_problems(problems: Sequence[str]) -> None:
    for problem in problems[:SHOWN_PROBLEMS]:
        typer.echo(f"  {printable(problem)}")
    if len(problems) > SHOWN_PROBLEMS:
        typer.echo(f"  and {len(problems) - SHOWN_PROBLEMS} more")


def _to_csv(parquet: Path, to: Path) -> None:
    import json

    from perfmodel.traces.columns import COLUMNS, LISTS
    from perfmodel.traces.parquet import read_table

    # A list becomes JSON text; whole numbers stay whole where some were not measured.
    table = read_table(parquet).to_pandas(integer_object_nulls=True)
    for name in LISTS:
        table[name] = [json.dumps(list(map(float if COLUMNS[name] == "reals" else int, each))) for each in table[name]]
    for name in (name for name, kind in COLUMNS.items() if kind == "text"):
        # A spreadsheet takes a text that begins so for a formula, and runs it.
        table[name] = [f"'{each}" if str(each).startswith(("=", "+", "-", "@")) else each for each in table[name]]
    table.to_csv(to, index=False)


def _to_parquet(parquet: Path, to: Path) -> None:
    import shutil

    from perfmodel.files.checksum import sha256_of

    shutil.copyfile(parquet, to)
    to.with_name(to.name + ".sha256").write_text(f"{sha256_of(to)}  {to.name}\n", encoding="utf-8")


def _to_store(parquet: Path, to: Path) -> None:
    from perfmodel.traces.parquet import read_traces
    from perfmodel.traces.store import TraceStore
    from reports.run.progress import bar

    traces = read_traces(parquet)
    with TraceStore.writer(to) as store, bar("traces", len(traces)) as advance:
        for trace in traces:
            store.add(trace)
            advance(trace.asked.key)
