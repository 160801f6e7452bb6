"""Writes a validated configuration of a run, as it was fine-tuned, to a folder that others can load.

<to>/               the model in our own format (``collectors.trial.saved_model.load_model`` brings it back)
<to>/peft_adapter/  where PEFT alone can use it: adapters for the unpruned base model
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from perfmodel.errors import InfeasibleBudgetError, StageOrderError, UnknownNameError
from perfmodel.files.sizes import size_text
from perfmodel.space.methods import ADAPTERS
from perfmodel.space.metrics import LOSS, PEAK
from perfmodel.space.space import Configuration
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.trace import Trace
from reports.figures.words import described
from reports.report.choice import Noise, choices
from reports.run.progress import bar

KEPT_BASE = ("zero", "gaussian", "orthogonal", "eva", "qera_diag", "qera_exact", "loftq1")
"""Initialisers after which the base is the quantised model itself, so that its adapters fit the published one."""


def export(run_folder: Path, to: Path, name: str | None, say: Callable[[str], None]) -> Path:
    """Returns the folder of the exported model.

    Args:
        run_folder: of a run whose validation is done.
        to: new or empty.
        name: of a validated configuration as the report calls it, such as ``B``, or its identifier; None takes the
            recommended one.
        say: told what is going on.

    Raises:
        StageOrderError: when the run has not been validated, or its trials kept no adapters.
        UnknownNameError: when no validated configuration has that name.
        InfeasibleBudgetError: when none of the trials ended well within the budget.
        OutputFolderError: when the folder is not empty or cannot be written.
    """
    traces_file = run_folder / "validate" / "traces.parquet"
    if not traces_file.is_file():
        raise StageOrderError(
            f"{run_folder} holds no validated fine-tunes", "a run whose validation is done", "run bench run first"
        )
    runs = _runs_by_name(run_folder, [trace for trace in read_traces(traces_file) if trace.ok])
    chosen = recommended(run_folder, runs) if name is None else _found(runs, name)
    trace = min(runs[chosen], key=lambda each: each.measured.held_out_loss or float("inf"))
    say(f"export: {_described(chosen, trace)}")
    _write(trace, run_folder, to)
    return to


def recommended(run_folder: Path, runs: Mapping[str, Sequence[Trace]]) -> str:
    """Returns the name of the configuration that the report recommends.

    Args:
        run_folder: of a run whose validation is done.
        runs: fine-tunes that ended well, by the name of their configuration.

    Raises:
        InfeasibleBudgetError: when none is within the budget.
    """
    suite = json.loads((run_folder / "suite.json").read_text())
    effects = json.loads((run_folder / "fit" / "effects.json").read_text())["effects"]
    metrics = {LOSS, PEAK, *suite["budget"]}
    rows = [
        {
            "name": name,
            "measured": {
                metric: {"value": mean(getattr(each.measured, metric) for each in traces), "n": len(traces)}
                for metric in metrics
            },
        }
        for name, traces in runs.items()
    ]
    found = choices(rows, Noise.of_effects(effects), suite["budget"], None).recommended
    if found is None:
        raise InfeasibleBudgetError(
            "no fine-tune ended well within the budget",
            "one is needed to be recommended",
            "name a configuration with --configuration, or raise the budget",
        )
    return found


def _runs_by_name(run_folder: Path, traces: Sequence[Trace]) -> dict[str, list[Trace]]:
    plan = json.loads((run_folder / "validate" / "plan.json").read_text())
    names = {Configuration.from_dict(each["configuration"]).identifier: each["name"] for each in plan}
    runs: dict[str, list[Trace]] = {}
    for trace in traces:
        runs.setdefault(names[trace.asked.configuration.identifier], []).append(trace)
    return runs


def _found(runs: Mapping[str, Sequence[Trace]], name: str) -> str:
    for known, traces in runs.items():
        if name in (known, traces[0].asked.configuration.identifier):
            return known
    raise UnknownNameError(
        f"no validated configuration is called {name!r}",
        f"validated are {', '.join(runs)}",
        "choose one of these",
    )


def _described(name: str, trace: Trace) -> str:
    measured = trace.measured
    return (
        f"{name} ({described(trace.asked.configuration.to_dict())}), seed {trace.asked.seed}, held-out loss "
        f"{measured.held_out_loss:.3f}, peak memory {size_text(measured.peak_memory_bytes)}"
    )


def _write(trace: Trace, run_folder: Path, to: Path) -> None:
    from collectors.trial.checkpoint import Checkpoints, load_adapter
    from collectors.trial.model_builder import ModelBuilder
    from collectors.trial.saved_model import save_model

    asked = trace.asked
    adapter = Checkpoints(run_folder / "checkpoints").finished(asked)
    if adapter is None:
        raise StageOrderError(
            f"the adapters of {asked.configuration.identifier} with seed {asked.seed} were not kept",
            "trials keep them when validate.keep is adapter",
            "run bench validate again with validate.keep=adapter in a new folder",
        )
    with bar("building the model", None):
        builder = ModelBuilder(asked.setting)
        built = builder.build(asked.configuration, asked.seed)
        load_adapter(adapter, built.model)
    with bar("writing", None):
        details: dict[str, Any] = {"trace": trace.asked.key, "configuration": asked.configuration.to_dict()}
        setting = {"task": asked.setting.task, "recipe": asked.setting.recipe.to_dict(), "seed": asked.seed}
        save_model(to, built, builder.base, {**details, **setting})
        if fits_published_base(trace):
            _write_plain_adapter(built.model, builder.base.folder, to / "peft_adapter")


def fits_published_base(trace: Trace) -> bool:
    """Returns whether the adapters of a trial fit the unpruned base model, so that PEFT alone can load them."""
    methods = trace.asked.configuration.methods
    return (
        not trace.asked.configuration.pruning_rate
        and methods.initializer in KEPT_BASE
        and not ADAPTERS[methods.adapter].pooled
    )


def _write_plain_adapter(model: Any, base_folder: Path, to: Path) -> None:
    settings = model.peft_config["default"]
    settings.base_model_name_or_path = str(base_folder)
    model.save_pretrained(str(to))
