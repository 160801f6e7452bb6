"""The commands that compare searchers, on surrogates and on real fine-tunes."""

from pathlib import Path
from typing import Annotated

import typer

from reports.cli.options import DebugOption, FolderOption, OverridesArgument, SuiteArgument, open_run

search_app = typer.Typer()


@search_app.command("compare")
def compare_searchers(
    suite: Annotated[str | None, typer.Argument(help="A suite whose traces, space and task are used.")] = None,
    shelf: Annotated[str | None, typer.Option(help="Release of published traces; the suite's by default.")] = None,
    searchers: Annotated[str, typer.Option(help="Names, comma-separated; ablations too: joint_without_batch.")] = (
        "joint,random,nsga2,qlognehvi"
    ),
    seeds: Annotated[int, typer.Option(min=1, help="Searches of each searcher on each task.")] = 10,
    evaluations: Annotated[str, typer.Option(help="Budgets to compare at, comma-separated.")] = "25,50,100,200",
    tasks: Annotated[str, typer.Option(help="Names, comma-separated; the suite's, or all with repeats.")] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Configurations between two proposals.")] = 8,
    reference: Annotated[int, typer.Option(min=1, help="Evaluations of the search for the best front.")] = 20_000,
    profile: Annotated[
        Path | None, typer.Option(help="A device profile for simulated seconds; the traces' own times by default.")
    ] = None,
    surrogate: Annotated[
        str | None,
        typer.Option(help="The model that is searched, the best by cross-validation if none; table: no model."),
    ] = None,
    folder: Annotated[Path, typer.Option(help="The comparison's folder.")] = Path("runs/compare"),
    debug: DebugOption = False,
) -> None:
    """Compare searchers at equal cost on surrogates of measured traces; what is there is not searched again."""
    from reports.comparison.command import Options, compare_command, names, numbers

    options = Options(
        suite,
        shelf,
        names(searchers),
        seeds,
        numbers("--evaluations", evaluations),
        names(tasks),
        workers,
        folder,
        profile,
        batch,
        reference,
        surrogate,
    )
    typer.echo(str(compare_command(options).resolve()))


@search_app.command("live")
def live(
    suite: SuiteArgument = "default",
    overrides: OverridesArgument = None,
    folder: FolderOption = None,
    searchers: Annotated[
        str, typer.Option(help="Names, comma-separated; <name>_on_surrogate searches the surrogate first.")
    ] = "joint,random,nsga2_on_surrogate,qpruner",
    trials: Annotated[int, typer.Option(min=2, help="Fine-tunes of each search.")] = 24,
    seeds: Annotated[str, typer.Option(help="Fresh seeds, one search of each searcher a seed.")] = "301",
    batch: Annotated[int, typer.Option(min=1, help="Configurations between two proposals.")] = 4,
    debug: DebugOption = False,
) -> None:
    """Search with real fine-tunes, and compare searchers on them; what was measured is not run again."""
    from reports.comparison.command import names, numbers
    from reports.live.command import live_command

    run = open_run(suite, overrides, folder, "live")
    path = live_command(run, searchers=names(searchers), trials=trials, seeds=numbers("--seeds", seeds), batch=batch)
    typer.echo(str(path.resolve()))


@search_app.command("challenge")
def challenge(
    suite: SuiteArgument = "default",
    overrides: OverridesArgument = None,
    folder: FolderOption = None,
    seeds: Annotated[str, typer.Option(help="Fresh seeds of the runs compared, comma-separated.")] = "201,202,203",
    screen_seed: Annotated[int, typer.Option(help="Seed of the runs that challengers are chosen by.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, help="Of proposing, fine-tuning once and learning from it.")] = 3,
    tries: Annotated[int, typer.Option(min=100, help="Evaluations of each search on the surrogate.")] = 20_000,
    against: Annotated[list[str] | None, typer.Option(help="A uniform choice by name; may be repeated.")] = None,
    debug: DebugOption = False,
) -> None:
    """Fine-tune uniform choices beside what the search offers at their memory, and at their loss."""
    from reports.challenge.command import challenge_command
    from reports.challenge.record import references_named
    from reports.comparison.command import numbers

    path = challenge_command(
        open_run(suite, overrides, folder, "challenge"),
        seeds=numbers("--seeds", seeds),
        screen_seed=screen_seed,
        rounds=rounds,
        tries=tries,
        references=references_named(against or ()),
    )
    typer.echo(str(path.resolve()))
