"""The report's first sentences: what came out, in words, each with its number of runs."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from perfmodel.space.metrics import ACCURACY, LOSS, METRICS, PEAK

ALIKE = 0.05
"""Two configurations count as equal in memory when their measured peaks differ by at most this share."""


def verdict(record: Mapping[str, Any]) -> list[str]:
    """Returns the sentences that a record supports, the most important first."""
    return [
        *_task_counts(record),
        *_against_baselines(record["validation"]),
        *_predictions(record["prediction_check"]),
        *_surrogate(record["scores"], record["surrogates"]),
        *_axes(record["effects"], record["effects_reason"]),
    ]


def _task_counts(record: Mapping[str, Any]) -> list[str]:
    blind = record["question_blind"]
    plain = [
        metrics
        for point in record["training_points"]
        if point["status"] == "ok" and point["mean_bits"] == 16 and point["pruning_rate"] == 0
        if point["adapted_share"] == 1
        if None not in ((metrics := point["metrics"])[LOSS], metrics[ACCURACY])
    ]
    if not plain:
        return ["No unpruned 16-bit fine-tune was run in this setting, so whether the task counts is not known."]
    loss, accuracy = mean(each[LOSS] for each in plain), mean(each[ACCURACY] for each in plain)
    counts = loss < blind["loss"] and accuracy > blind[ACCURACY]
    return [
        f"Unpruned 16-bit LoRA reaches a held-out loss of {loss:.3f} and an accuracy of {accuracy:.2f} "
        f"(mean of {len(plain)} runs); the best answer that ignores the question reaches {blind['loss']:.3f} and "
        f"{blind['accuracy']:.2f}. The task {'counts' if counts else 'does not count: nothing of it was learnt'}."
    ]


def _against_baselines(validation: Sequence[Mapping[str, Any]]) -> list[str]:
    sentences = []
    for baseline in (row for row in validation if row["role"] == "baseline"):
        loss, memory = _loss(baseline), _memory(baseline)
        if loss is None or memory is None:
            continue
        alike = [
            row
            for row in validation
            if row["role"] == "front"
            and (peak := _memory(row)) is not None
            and peak <= memory * (1 + ALIKE)
            and _loss(row) is not None
        ]
        if not alike:
            sentences.append(f"No measured point of the front needs as little memory as {baseline['name']}.")
            continue
        best = min(alike, key=lambda row: float(_loss(row) or 0.0))
        sentences.append(
            f"At no more than {100 * ALIKE:.0f} % above the measured peak of {baseline['name']} "
            f"({memory / 1e6:.0f} MB, loss {loss:.3f}, {_runs(baseline)}), the best point of the front is "
            f"{best['name']} ({(_memory(best) or 0) / 1e6:.0f} MB, loss {_loss(best):.3f}, {_runs(best)})."
        )
    return sentences


def _predictions(check: Mapping[str, Any]) -> list[str]:
    return [
        f"Predicted before they were run, {values['inside_interval']} of {values['n']} fine-tunes of unseen "
        f"configurations fell inside the 90 % interval of {_label(name)} (mean error "
        f"{100 * values['mean_absolute_relative_error']:.1f} %)."
        for name, values in check.items()
        if values["n"] and values["mean_absolute_relative_error"] is not None
    ]


def _surrogate(scores: Sequence[Mapping[str, Any]], chosen: Mapping[str, str]) -> list[str]:
    sentences = []
    for score in scores:
        ratio = score["error_ratio_to_constant"]
        if score["surrogate"] != chosen[score["metric"]] or ratio["value"] is None:
            continue
        if score["surrogate"] == "constant":
            sentences.append(f"For {_label(score['metric'])} no surrogate beat the constant.")
            continue
        interval = "no interval" if ratio["low"] is None else f"{_times(ratio['low'])} to {_times(ratio['high'])}"
        sentences.append(
            f"For {_label(score['metric'])} the {score['surrogate']} surrogate has {_times(ratio['value'])} times the "
            f"error of a constant ({interval}; {score['n_traces']} traces of "
            f"{score['n_configurations']} configurations, split by configuration)."
        )
    return sentences


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"  # a closed form's is a few thousandths


def _axes(effects: Mapping[str, Any] | None, reason: str) -> list[str]:
    if effects is None:
        return [f"Which axes matter is not known: {reason}."]
    by_verdict: dict[str, list[str]] = {}
    for axis in effects["axes"]:
        by_verdict.setdefault(axis["verdict"], []).append(axis["axis"].replace("_", " "))
    words = "; ".join(f"{name}: {', '.join(axes)}" for name, axes in by_verdict.items())
    return [f"Against seed noise ({effects['noise']['repeats']} repeats) the axes are judged: {words}."]


def _loss(row: Mapping[str, Any]) -> float | None:
    value = row["measured"][LOSS]["value"]
    return None if value is None else float(value)


def _memory(row: Mapping[str, Any]) -> float | None:
    value = row["measured"][PEAK]["value"]
    return None if value is None else float(value)


def _runs(row: Mapping[str, Any]) -> str:
    count = row["measured"][LOSS]["n"]
    return f"{count} run{'' if count == 1 else 's'}"


def _label(name: str) -> str:
    label = METRICS[name].label
    return label[0].lower() + label[1:]
