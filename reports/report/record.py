"""Everything the report says, as plain values read from the run's records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from statistics import mean, median
from typing import Any

from collectors.measuring.provenance import ran_on
from perfmodel.errors import InvalidConfigurationError
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import METRICS
from perfmodel.space.space import Configuration
from perfmodel.statistics.interval import student_mean
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.trace import Trace
from reports.report.findings import answer, prediction_check
from reports.run.predicted import estimates
from reports.run.question_blind import question_blind
from reports.run.run import Run
from reports.run.trial_time import trial_seconds
from reports.training_files.adapters import lora_arguments

RECORD_VERSION = 3
"""Version 1 had verdicts in words and baselines of like size in place of the known references, 2 no ``LoraConfig``."""


def build_record(run: Run, checksums: Mapping[str, str]) -> dict[str, Any]:
    """Returns the report's record; ``reports.report.page`` draws everything from it.

    Args:
        run: whose stages have run.
        checksums: sha256 of the stages' outputs, by file.
    """
    predictor = Predictor.load(run.folder / "fit" / "predictor")
    own = read_traces(run.folder / "collect" / "traces.parquet")
    validated = read_traces(run.folder / "validate" / "traces.parquet")
    effects = run.read_json("fit/effects.json")
    shelf = {f"shelf {run.shelf.name}": run.shelf.sha256} if run.shelf else {}
    record: dict[str, Any] = {
        "version": RECORD_VERSION,
        "name": run.suite.name,
        "created_at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": run.command,
        "folder": str(run.folder),
        "elapsed_s": sum(trial_seconds(trace) or 0.0 for trace in own + validated),
        "setting": _setting(run),
        "environment": asdict(ran_on(run.device_class, run.suite.name, run.threads)),
        "counts": {
            "prior_traces": len(run.shelf_traces),
            "prior_source": run.shelf.name if run.shelf else None,
            "collected": len(own),
            "validated": len(validated),
            "failed": sum(not trace.ok for trace in own + validated),
            "left_out": _left_out(own + validated),
        },
        "objectives": list(run.suite.objectives),
        "budget": dict(run.suite.budget),
        "question_blind": question_blind(run),
        "training_points": [_point(trace) for trace in run.shelf_traces + own],
        "front": run.read_json("search/front.json"),
        "validation": _validation(run, run.read_json("validate/plan.json"), validated, predictor),
        "surrogates": dict(predictor.record.chosen),
        "scores": [line.to_dict() for line in predictor.scores],
        "hypervolume": run.read_json("search/history.json"),
        "effects": effects["effects"],
        "effects_reason": effects["reason"],
        "rank_load": _rank_load(validated),
        "checksums": {**shelf, **checksums},
    }
    record["prediction_check"] = prediction_check(record["validation"], predictor.metrics)
    return {**record, "answer": asdict(answer(record))}


def _setting(run: Run) -> dict[str, Any]:
    values = asdict(run.setting)
    values["task"] = run.setting.task_name
    return {**values, "identifier": run.setting.identifier, "task_description": run.task.description}


def _left_out(traces: Sequence[Trace]) -> dict[str, int]:
    """Returns how many examples of each split were longer than the recipe allows; empty where no trace says it."""
    told = next((trace.measured.left_out for trace in traces if trace.measured.left_out), ())
    return dict(zip(("training", "calibration", "held-out"), told, strict=False))


def _point(trace: Trace) -> dict[str, Any]:
    configuration = trace.asked.configuration
    return {
        "configuration": configuration.identifier,
        "seed": trace.asked.seed,
        "source": trace.asked.source,
        "status": trace.measured.status,
        "pruning_rate": configuration.pruning_rate,
        "mean_bits": mean(configuration.bits),
        "mean_rank": mean(configuration.ranks),
        "adapted_share": mean(rank > 0 for rank in configuration.ranks),
        "metrics": {name: getattr(trace.measured, name) for name in METRICS},
    }


def _lora(run: Run, configuration: Configuration) -> dict[str, Any] | None:
    """Returns the arguments of PEFT's ``LoraConfig`` for a configuration, None where PEFT has no such adapters."""
    try:
        return lora_arguments(configuration, run.architecture, run.setting.recipe)
    except InvalidConfigurationError:
        return None


def _validation(
    run: Run, plan: Sequence[Mapping[str, Any]], traces: Sequence[Trace], predictor: Predictor
) -> list[dict[str, Any]]:
    configurations = [Configuration.from_dict(each["configuration"]) for each in plan]
    predicted = predictor.predict(configurations)
    rows = []
    for position, (candidate, configuration) in enumerate(zip(plan, configurations, strict=True)):
        runs = [trace for trace in traces if trace.asked.configuration == configuration]
        rows.append(
            {
                "id": configuration.identifier,
                "role": candidate["role"],
                "name": candidate["name"],
                "configuration": configuration.to_dict(),
                "lora": _lora(run, configuration),
                "seeds": [trace.asked.seed for trace in runs],
                "predicted": estimates(predicted.iloc[position], predictor.metrics),
                "measured": {name: measured_over(name, runs) for name in METRICS},
                "status": dict(Counter(trace.measured.status for trace in runs)),
                "reason": "; ".join(sorted({trace.measured.reason for trace in runs if trace.measured.reason})),
            }
        )
    return rows


def measured_over(name: str, runs: Sequence[Trace]) -> dict[str, Any]:
    """Returns the mean over runs with its 90 % interval by Student's t, which one run does not have.

    Args:
        name: of a metric; runs that did not measure it are left out.
        runs: fine-tunes of one configuration.
    """
    values = [value for trace in runs if (value := getattr(trace.measured, name)) is not None]
    return {**asdict(student_mean(values, level=0.9)), "n": len(values), "values": values}


def _rank_load(traces: Sequence[Trace]) -> float | None:
    """Returns the trained parameters for each token that a run scored, the median over runs; None where unknown."""
    loads = [
        trace.measured.adapter_bytes
        / 4
        / (trace.asked.setting.recipe.steps * trace.measured.largest_batch_answer_tokens)
        for trace in traces
        if trace.ok and trace.measured.adapter_bytes and trace.measured.largest_batch_answer_tokens
    ]
    return median(loads) if loads else None
