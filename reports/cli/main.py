"""The command line: ``bench``. Everything heavy is imported when it is needed, so that help comes at once."""

import errno
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import perfmodel
from perfmodel.errors import InterruptedRunError, MissingExtraError, PerfModelError
from reports.cli.data import data_app
from reports.cli.hang_up import ended_by_hang_up
from reports.cli.help_pages import arrange
from reports.cli.options import (
    AddressOption,
    DebugOption,
    FolderOption,
    JsonOption,
    OverridesArgument,
    QuietOption,
    SuiteArgument,
    open_run,
)
from reports.cli.plan import plan_app
from reports.cli.runs import runs_app
from reports.cli.search_commands import search_app
from reports.cli.traces import traces_app
from reports.run.terminal import printable

if TYPE_CHECKING:
    from reports.run.run import Run


class _Commands(TyperGroup):
    """Turns an interrupt into an error of ours before typer ends the process without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was asked for.

        Raises:
            InterruptedRunError: when the person at the keyboard stops it.
        """
        try:
            with ended_by_hang_up():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise InterruptedRunError(
                "interrupted",
                "what was finished is stored, what was under way is lost",
                "the same command goes on from there",
            ) from error


_LIMITS = {
    errno.EMFILE: "raise the number of files that a process may open, for example with ulimit -n 1024",
    errno.ENFILE: "this machine has no file handles left; close other programs",
    errno.ENOSPC: "free some space on the disk",
    errno.ENOMEM: "close other programs",
}
"""What a person can do where this machine is at its limit."""

app = typer.Typer(
    name="bench",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(traces_app, name="traces")
app.add_typer(data_app, name="data")
app.add_typer(plan_app)
app.add_typer(runs_app)
app.add_typer(search_app)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer hands it over by position
    if asked:
        typer.echo(f"perfmodel {perfmodel.__version__}")
        raise typer.Exit


def _on(address: str | None, overrides: list[str] | None) -> list[str]:
    """Returns the overrides, with those for a Ray cluster where there is an address."""
    ray = [] if address is None else ["collect.executor=ray", f"collect.address={address}"]
    return [*(overrides or []), *ray]


def _add_stage(name: str, text: str) -> None:
    def command(
        suite: SuiteArgument = "default",
        overrides: OverridesArgument = None,
        folder: FolderOption = None,
        address: AddressOption = None,
        quiet: QuietOption = False,
        debug: DebugOption = False,
    ) -> None:
        _stages(suite, _on(address, overrides), folder, until=name, quiet=quiet)

    app.command(name, help=text)(command)


def _add_report(name: str, text: str, *, alone: bool) -> None:
    def command(
        suite: SuiteArgument = "default",
        overrides: OverridesArgument = None,
        folder: FolderOption = None,
        address: AddressOption = None,
        quiet: QuietOption = False,
        as_json: JsonOption = False,
        debug: DebugOption = False,
    ) -> None:
        run = _stages(suite, _on(address, overrides), folder, until="report", quiet=quiet, alone=alone)
        _tell_answer(run, as_json=as_json)

    app.command(name, help=text)(command)


_add_report("run", "Run every stage and write the report; what is up to date is not done again.", alone=False)
_add_stage("collect", "Run the suite's own fine-tunes.")
_add_stage("search", "Search for the best trade-offs on the surrogates.")
_add_stage("validate", "Fine-tune what was proposed, with fresh seeds.")
_add_report("report", "Write the report from the records of the other stages.", alone=True)


@app.command("fit")
def fit(
    suite: SuiteArgument = "default",
    overrides: OverridesArgument = None,
    folder: FolderOption = None,
    address: AddressOption = None,
    report: Annotated[
        bool, typer.Option("--report", help="Score every surrogate on every split too: scores/scores.html, .md, .json.")
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Fit and score the surrogates."""
    run = _stages(suite, _on(address, overrides), folder, until="fit", quiet=quiet)
    page = None
    if report:
        from reports.fit.record import report_of_run

        page = str(report_of_run(run).resolve())
    if as_json:
        import json
        from dataclasses import asdict

        from perfmodel.predictor.record import PredictorRecord

        predictor = (run.folder / "fit" / "predictor").resolve()
        record, _ = PredictorRecord.read(predictor)
        shown = {"predictor": str(predictor), "chosen": record.chosen, "traces": record.n_traces, "page": page}
        typer.echo(json.dumps({**shown, "scores": [asdict(line) for line in record.scores]}))
    elif page:
        typer.echo(page)


@app.command()
def quantizers(
    model: Annotated[str, typer.Option(help="The embedded model, a checkpoint's folder or a hub id.")] = "smollm2-135m",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show what every storage format costs and loses on a base model, and which are fair to it."""
    from reports.cli import quantizers as report

    rows = report.quantizer_rows(model)
    if as_json:
        typer.echo(report.as_json(rows))
    else:
        report.print_table(rows, model)


@app.command()
def sense(
    model: Annotated[str, typer.Option(help="The embedded model, a checkpoint's folder or a hub id.")] = "smollm2-135m",
    task: Annotated[str, typer.Option(help="Whose calibration examples are used.")] = "chain_sum",
    unit: Annotated[str, typer.Option(help="What is touched alone: layer or module.")] = "layer",
    examples: Annotated[int, typer.Option(min=1, help="Most calibration examples.")] = 32,
    max_length: Annotated[int, typer.Option(min=1, help="Tokens that an example may have.")] = 96,
    to: Annotated[
        Path | None, typer.Option(help="File to write; one in the cache by default, where it is found by name.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Measure what each layer or module loses at each width, without fine-tuning; minutes for a small model."""
    from reports.cli.sense import sense_command

    typer.echo(str(sense_command(model, task, unit, examples, max_length, to).resolve()))


@app.command("suite")
def suite_keys(
    suite: SuiteArgument = "default",
    overrides: OverridesArgument = None,
    keys: Annotated[bool, typer.Option("--keys", help="Every key: what it may be, its default, its meaning.")] = False,
    debug: DebugOption = False,
) -> None:
    """Print a suite with every default written out, or every key that a suite may have."""
    from reports.cli.suite_keys import print_keys, suite_text

    if keys:
        print_keys()
    else:
        typer.echo(suite_text(suite, overrides or []), nl=False)


@app.callback()
def bench(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Performance models for quantised LoRA fine-tuning: measure, model, search, validate, report."""


arrange(app)


def main() -> None:
    """Runs the command line; the one place where errors become messages and exit codes."""
    debug = "--debug" in sys.argv
    try:
        app()
    except PerfModelError as error:
        _fail(error, str(error), error.exit_code, debug=debug)
    except ModuleNotFoundError as error:
        extras = {"torch": "collect", "transformers": "collect", "moocore": "search", "pymoo": "search"}
        missing = MissingExtraError(
            f"the package {error.name} is not installed",
            "it comes with an extra",
            f'pip install "perfmodel[{extras.get(error.name or "", "all")}]"',
        )
        _fail(error, str(missing), missing.exit_code, debug=debug)
    except OSError as error:
        advice = _LIMITS.get(error.errno or 0)
        if advice is None:
            _fail(error, _defect(error), 3, debug=debug)
        _fail(error, f"{error.strerror}: {advice}, then run the same command again", 1, debug=debug)
    except Exception as error:  # noqa: BLE001 - the last catch: a user never sees a traceback unasked
        _fail(error, _defect(error), 3, debug=debug)


def _defect(error: Exception) -> str:
    return f"{type(error).__name__}: {error} (this is a defect; --debug shows where)"


def _fail(error: BaseException, text: str, code: int, *, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
    typer.echo(f"bench: {printable(text)}", err=True)
    sys.exit(code)


def _stages(
    suite: str,
    overrides: list[str] | None,
    folder: Path | None,
    *,
    until: str,
    quiet: bool,
    alone: bool = True,
) -> "Run":
    """Returns the run, its stages up to one done."""
    from reports.run.progress import hush, steps_shown
    from reports.stages.stages import run_stages

    run = open_run(suite, overrides, folder, "run")
    if quiet:
        hush()
    if not alone:
        from reports.stages.outlook import outlook

        run.say(outlook(run))
    with steps_shown():
        run_stages(run, until, alone=alone)
    return run


def _tell_answer(run: "Run", *, as_json: bool) -> None:
    """Says the answer, and prints it as JSON or else the path of the report."""
    import json

    from perfmodel.statistics.finding import Finding
    from reports.report.sentences import answer_sentence
    from reports.stages.stages import report_path

    path = report_path(run.folder).resolve()
    answer = run.read_json("report/report.json")["answer"]
    sentence = answer_sentence(Finding(**answer))
    run.say(sentence)
    typer.echo(json.dumps({**answer, "sentence": sentence, "report": str(path)}) if as_json else str(path))


if __name__ == "__main__":
    main()
