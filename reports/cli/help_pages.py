"""How ``bench --help`` is arranged: commands grouped by use, and two examples under the help of each."""

from collections.abc import Mapping
from typing import Final

import typer

FIRST, STAGES = "Run, plan, export", "One stage of a run"
LOOK, RESEARCH = "Look at what is there", "Research"

PANELS: Final[Mapping[str, tuple[str, ...]]] = {
    FIRST: ("run", "plan", "export", "evaluate", "suite"),
    STAGES: ("collect", "fit", "search", "validate", "report"),
    LOOK: ("status", "open", "data", "traces", "quantizers"),
}
"""Commands by panel, in order; those that are not named stand under ``RESEARCH``."""

EXAMPLES: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("bench run default", "bench run default task=my-task.jsonl name=mine budget=450MB"),
    "collect": ("bench collect my-suite.yaml", "bench collect pilot task=my-task.jsonl"),
    "fit": ("bench fit my-suite.yaml", "bench fit default --report"),
    "search": ("bench search my-suite.yaml", "bench search default search.evaluations={joint: 48}"),
    "validate": ("bench validate my-suite.yaml", "bench validate default validate.seeds=[101,102,103]"),
    "report": ("bench report my-suite.yaml", "bench report default --folder runs/default"),
    "suite": ("bench suite --keys", "bench suite default task=my-task.jsonl"),
    "plan": (
        "bench plan --model my-model/config.json --budget 24GiB --batch 8 --length 512",
        "bench plan --model my-model/config.json --gpu RTX-4090 --batch 4 --length 1024",
    ),
    "calibrate": ("bench calibrate", "bench calibrate --device cpu --threads 2"),
    "export": ("bench export runs/default my-model", "bench export runs/default my-model --configuration B"),
    "evaluate": ("bench evaluate my-model", "bench evaluate my-model --task chain_sum --examples 64"),
    "status": ("bench status", "bench status runs/default --json"),
    "open": ("bench open", "bench open runs/default"),
    "quantizers": ("bench quantizers", "bench quantizers --model path/to/checkpoint --json"),
    "sense": ("bench sense", "bench sense --task number_sequence --unit module"),
    "compare": (
        "bench compare --searchers joint,random,nsga2 --seeds 10",
        "bench compare --shelf smollm2-v1b --tasks chain_sum --evaluations 25,100",
    ),
    "live": ("bench live default", "bench live default --searchers joint,random --trials 24"),
    "challenge": ("bench challenge default", "bench challenge default --seeds 201,202,203 --rounds 2"),
    "traces export": ("bench traces export runs/mine traces.parquet", "bench traces export runs/default all.parquet"),
    "traces import": (
        "bench traces import traces.parquet runs/default",
        "bench traces import traces.parquet runs/new --sha256 0f3c",
    ),
    "data ls": ("bench data ls", "bench data ls --debug"),
    "data show": ("bench data show smollm2-v1b", "bench data show smollm2-pilot-v1"),
    "data verify": ("bench data verify", "bench data verify traces.parquet"),
    "data fetch": (
        "bench data fetch lab-v3 --from https://example.org/shelf/lab-v3",
        "bench data fetch lab-v3 --from path/to/folder",
    ),
    "data export": (
        "bench data export smollm2-v1b --to traces.csv",
        "bench data export smollm2-v1b --to traces.sqlite",
    ),
}
"""Two examples of each command; a test reads each of them with the command's own options."""


def arrange(app: typer.Typer, under: str = "") -> None:
    """Puts every command of an app, and of those below it, into its panel, with its examples under its help.

    Args:
        app: whose commands are all registered.
        under: names of the apps above it, each followed by a space.
    """
    for command in app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]  # a command has a function
        command.epilog = "Examples:\n\n" + "\n\n".join(EXAMPLES[under + name])
        command.rich_help_panel = None if under else _panel(name)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        named = isinstance(group.name, str)
        if named:
            group.rich_help_panel = _panel(str(group.name))
        arrange(group.typer_instance, f"{under}{group.name} " if named else under)


def _panel(name: str) -> str:
    return next((panel for panel, names in PANELS.items() if name in names), RESEARCH)
