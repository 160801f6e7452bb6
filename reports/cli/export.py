"""Writes a validated configuration of a run, as it was fine-tuned, to a folder that others can load.

<to>/               the model in our own format (``collectors.trial.saved_model.load_model`` brings it back)
<to>/peft_adapter/  where PEFT alone can use it: adapters for the unpruned base model
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from perfmodel.errors import InfeasibleBudgetError, StageOrderError, UnknownNameError
from perfmodel.space.space import Configuration
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.trace import Trace
from reports.run.progress import bar

KEPT_BASE = ("zero", "gaussian", "orthogonal", "eva", "qera_diag", "qera_exact", "loftq1")
"""Initialisers after which the base is the quantised model itself, so that its adapters fit the published one."""


def export(run_folder: Path, to: Path, identifier: str | None, say: Callable[[str], None]) -> Path:
    """Returns the folder of the exported model.

    Args:
        run_folder: of a run whose validation is done.
        to: new or empty.
        identifier: of a validated configuration; None takes the winner (``winner``).
        say: told what is going on.

    Raises:
        StageOrderError: when the run has not been validated, or its trials kept no adapters.
        UnknownNameError: when no validated configuration has that identifier.
        InfeasibleBudgetError: when none of the front's trials ended well within the budget.
        OutputFolderError: when the folder is not empty or cannot be written.
    """
    traces_file = run_folder / "validate" / "traces.parquet"
    if not traces_file.is_file():
        raise StageOrderError(
            f"{run_folder} holds no validated fine-tunes", "a run whose validation is done", "run bench run first"
        )
    traces = [trace for trace in read_traces(traces_file) if trace.ok]
    trace = _chosen(traces, run_folder, identifier)
    say(f"export: {_described(trace)}")
    _write(trace, run_folder, to)
    return to


def winner(traces: Sequence[Trace], front: Sequence[str], budget: Mapping[str, float]) -> Trace:
    """Returns the front's fine-tune of least held-out loss that stayed within the budget.

    Args:
        traces: validated ones that ended well.
        front: identifiers of the configurations that the search proposed.
        budget: largest allowed value by metric.

    Raises:
        InfeasibleBudgetError: when there is none.
    """
    within = [
        trace
        for trace in traces
        if trace.asked.configuration.identifier in front
        and all(getattr(trace.measured, name) <= limit for name, limit in budget.items())
    ]
    if not within:
        raise InfeasibleBudgetError(
            "no fine-tune of the front ended well within the budget",
            "one is needed to export a winner",
            "name a configuration with --configuration, or raise the budget",
        )
    return min(within, key=lambda trace: trace.measured.held_out_loss or float("inf"))


def _chosen(traces: Sequence[Trace], run_folder: Path, identifier: str | None) -> Trace:
    known = sorted({trace.asked.configuration.identifier for trace in traces})
    if identifier is not None:
        found = [trace for trace in traces if trace.asked.configuration.identifier == identifier]
        if not found:
            raise UnknownNameError(
                f"no validated configuration is called {identifier!r}",
                f"validated are {', '.join(known)}",
                "choose one of these",
            )
        return found[0]
    suite = json.loads((run_folder / "suite.json").read_text())
    plan = json.loads((run_folder / "validate" / "plan.json").read_text())
    front = [Configuration.from_dict(each["configuration"]).identifier for each in plan if each["role"] == "front"]
    return winner(traces, front, suite["budget"])


def _described(trace: Trace) -> str:
    measured = trace.measured
    return (
        f"configuration {trace.asked.configuration.identifier}, seed {trace.asked.seed}, held-out loss "
        f"{measured.held_out_loss:.3f}, peak memory {(measured.peak_memory_bytes or 0) / 1e6:.0f} MB"
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
        and methods.adapter in ("lora", "rslora", "dora")
    )


def _write_plain_adapter(model: Any, base_folder: Path, to: Path) -> None:
    settings = model.peft_config["default"]
    settings.base_model_name_or_path = str(base_folder)
    model.save_pretrained(str(to))
