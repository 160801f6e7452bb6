"""``bench traces``: the traces of a run as a Parquet file, and back into a run's store."""

from pathlib import Path
from typing import Annotated

import typer

from reports.cli.options import DebugOption

traces_app = typer.Typer(help="Traces as Parquet, and back into a run's store.", no_args_is_help=True)


@traces_app.command("export")
def export_traces(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    file: Annotated[Path, typer.Argument(help="The Parquet file to write; its sha256 goes beside it.")],
    debug: DebugOption = False,
) -> None:
    """Write the traces of a run to a Parquet file."""
    from perfmodel.traces.parquet import write_traces
    from perfmodel.traces.store import TraceStore

    with TraceStore(folder / "traces.sqlite") as store:
        traces = list(store)
    digest = write_traces(traces, file)
    typer.echo(f"{len(traces)} traces in {file}, sha256 {digest}")


@traces_app.command("import")
def import_traces(
    file: Annotated[Path, typer.Argument(help="A Parquet file of traces.")],
    folder: Annotated[Path, typer.Argument(help="The run's folder to add them to.")],
    sha256: Annotated[str | None, typer.Option(help="Expected checksum; else the one beside the file.")] = None,
    debug: DebugOption = False,
) -> None:
    """Add the traces of a Parquet file to a run's store; trials that it already holds are kept as they are."""
    from perfmodel.traces.parquet import read_traces
    from perfmodel.traces.store import TraceStore

    traces = read_traces(file, sha256=sha256)
    with TraceStore.writer(folder / "traces.sqlite") as store:
        added = sum(store.add(trace) for trace in traces)
    typer.echo(f"{added} of {len(traces)} traces added to {folder}")
