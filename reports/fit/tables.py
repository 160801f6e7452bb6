"""The scores of a fit as tables and sentences; what falls short is said as plainly as what does not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from perfmodel.space.metrics import METRICS
from reports.figures.quantity import UNKNOWN, Record, counted, estimate_text, quantity
from reports.pages.page import Table

SPLIT_LABELS = {
    "random": "random",
    "configuration": "by configuration",
    "searcher": "leave one searcher out",
    "extrapolation": "best 10\u00a0% from the rest",
    "task": "leave one task out",
    "model": "leave one model out",
}

COLUMNS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Right on the whole",
        (("r2", "R²"), ("spearman", "Spearman"), ("kendall", "Kendall"), ("sparse_kendall", "Sparse Kendall")),
    ),
    (
        "Share of the ceiling",
        (("r2_of_ceiling", "R²"), ("spearman_of_ceiling", "Spearman"), ("kendall_of_ceiling", "Kendall")),
    ),
    ("Error over", (("error_ratio_to_constant", "constant's"), ("error_ratio_to_additive", "additive's"))),
    ("Best 10\u00a0%", (("top_spearman", "Spearman"), ("precision_at_top", "Precision"))),
    (
        "Knows how sure it is",
        (("nll", "Log likelihood, neg."), ("crps", "CRPS"), ("calibration_error", "Calibration error")),
    ),
    ("Inside", (("coverage_50", "50\u00a0%"), ("coverage_90", "90\u00a0%"))),
    ("Relative width", (("width_50", "50\u00a0%"), ("width_90", "90\u00a0%"))),
)
"""Heads over the columns, and under each the scores with their labels."""

LEAST_WORTH = 0.02
"""Of the error: what is less is nothing to build on, however sure."""

_WAYS = {
    "left out": "leaving them out",
    "added": "adding them",
    "left out of all": "leaving them out, with all sensitivities",
}

COVERED = (0.87, 0.93)
"""Where the coverage of a 90 % interval should lie."""


def label(metric: str) -> str:
    """Returns how a metric is called in the text."""
    return METRICS[metric].label if metric in METRICS else metric


def facts(record: Record) -> list[tuple[str, str]]:
    """Returns the strip of facts at the head: label and value."""
    setting, others = record["setting"], record["other_traces"]
    usable = record["n_traces"] - record["n_failed"]
    return [
        ("Base model", setting["model"]),
        ("Task", setting["task"]),
        ("Device", setting["device_class"]),
        ("Traces", f"{usable} of {record['n_configurations']} configurations"),
        ("Failed runs", str(record["n_failed"])),
        ("Other tasks", ", ".join(f"{task} ({count})" for task, count in others.items()) or "none"),
    ]


def scores_table(entry: Mapping[str, Any]) -> Table:
    """Returns every split, surrogate and score of one metric."""
    head = ("Split", "Surrogate", "n (configurations)", *(text for _, cells in COLUMNS for _, text in cells))
    groups = (("", 3), *((text, len(cells)) for text, cells in COLUMNS))
    rows = tuple(
        (
            SPLIT_LABELS[line["split"]],
            line["surrogate"],
            f"{line['n_traces']} ({line['n_configurations']})",
            *(_cell(name, line["scores"][name], entry["metric"]) for _, cells in COLUMNS for name, _ in cells),
        )
        for line in entry["lines"]
    )
    return Table(f"{label(entry['metric'])}: surrogates, splits and scores", head, rows, groups)


def curve_table(entry: Mapping[str, Any]) -> Table:
    """Returns how the scores of one metric grow with the traces that train."""
    rows = tuple(
        (point["surrogate"], f"{point['traces']:.0f}", estimate_text(point["r2"]), estimate_text(point["spearman"]))
        for point in entry["curve"]
    )
    head = ("Surrogate", "Traces that train", "R²", "Spearman")
    return Table(f"{label(entry['metric'])}: learning curve of the surrogates", head, rows)


def control_table(entry: Mapping[str, Any]) -> Table:
    """Returns what the surrogates score when the targets are shuffled."""
    rows = tuple(
        (name, estimate_text(estimate), _control_verdict(estimate)) for name, estimate in entry["control"].items()
    )
    head = ("Surrogate", "Spearman within folds", "Verdict")
    return Table(f"{label(entry['metric'])}: shuffled targets, which must score 0", head, rows)


def transfer_table(entry: Mapping[str, Any]) -> Table:
    """Returns the error on this task against the number of its traces, from other tasks and from scratch."""
    return _starts_table(entry, "learning this task from others", ("other tasks", "scratch"), entry["transfer"])


def starts_table(entry: Mapping[str, Any]) -> Table:
    """Returns the error against the number of fine-tuned traces, with and without losses before fine-tuning."""
    names = list(dict.fromkeys(point["surrogate"] for point in entry["starts"]))
    scratch = [p for p in entry["transfer"] if p["start"] == "scratch" and p["surrogate"] in names]
    points = sorted([*entry["starts"], *scratch], key=lambda p: (names.index(p["surrogate"]), p["traces"]))
    ways = ("step 0 predicted", "step 0 measured", "other tasks and step 0", "scratch")
    return _starts_table(entry, "learning from losses before fine-tuning", ways, points)


def _starts_table(
    entry: Mapping[str, Any], title: str, ways: Sequence[str], points: Sequence[Mapping[str, Any]]
) -> Table:
    by_key: dict[tuple[str, int], dict[str, Mapping[str, Any]]] = {}
    for point in points:
        by_key.setdefault((point["surrogate"], point["traces"]), {})[point["start"]] = point
    rows = tuple(
        (
            surrogate,
            str(traces),
            *(
                _cell(name, found[way][name], entry["metric"]) if way in found else UNKNOWN
                for name in ("r2", "spearman", "link_rmse")
                for way in ways
            ),
        )
        for (surrogate, traces), found in by_key.items()
    )
    count = len(ways)
    groups = (("", 2), ("R²", count), ("Spearman", count), ("Error on the modelled scale", count))
    head = ("Surrogate", "Own traces", *(f"from {way}" for _ in range(3) for way in ways))
    return Table(f"{label(entry['metric'])}: {title}", head, rows, groups)


def worth_table(entry: Mapping[str, Any]) -> Table:
    """Returns what each group of features is worth to each surrogate: the error without it less that with it."""
    names = list(dict.fromkeys(worth["surrogate"] for worth in entry["worths"]))
    by_key: dict[tuple[str, str, int], dict[str, Mapping[str, Any]]] = {}
    for worth in entry["worths"]:
        by_key.setdefault((worth["group"], worth["way"], worth["columns"]), {})[worth["surrogate"]] = worth
    rows = tuple(
        (group, _WAYS[way], str(columns), *(_worth_cell(of_name.get(name), entry["metric"]) for name in names))
        for (group, way, columns), of_name in by_key.items()
    )
    head = ("Features", "Told by", "Columns", *names)
    return Table(f"{label(entry['metric'])}: what each group of features is worth", head, rows)


def ceiling_sentence(entry: Mapping[str, Any]) -> str:
    """Returns the noise ceiling of a metric, or why there is none."""
    best = entry["ceiling"]
    if best is None:
        return f"No noise ceiling: {entry['without_ceiling']}."
    return (
        f"Noise ceiling, from {best['runs']} runs of {best['configurations']} configurations, {best['repeated']} of "
        f"them repeated: R² {estimate_text(best['r2'], 3)}, Spearman {estimate_text(best['spearman'], 3)}, Kendall "
        f"{estimate_text(best['kendall'], 3)}; no predictor can expect more of single runs."
    )


def sentences(entry: Mapping[str, Any]) -> list[str]:
    """Returns what the scores of one metric come to, bad news included."""
    found = [sentence for split in SPLIT_LABELS if (sentence := _split_sentence(entry, split))]
    found += [f"{SPLIT_LABELS[split].capitalize()}: not shown, {why}." for split, why in entry["undone"].items()]
    found += [_coverage_sentence(entry), _control_sentence(entry), *_worth_sentences(entry)]
    return [*found, _transfer_sentence(entry), *_starts_sentences(entry)]


def _split_sentence(entry: Mapping[str, Any], split: str) -> str | None:
    lines = [line for line in entry["lines"] if line["split"] == split]
    scored = [line for line in lines if line["scores"]["error_ratio_to_constant"]["value"] is not None]
    if not scored:
        return None
    best = min(scored, key=lambda line: line["scores"]["error_ratio_to_constant"]["value"])
    scores, name = best["scores"], SPLIT_LABELS[split].capitalize()
    ratio = scores["error_ratio_to_constant"]
    if best["surrogate"] == "constant" or ratio["value"] >= 1:
        return f"{name}: no surrogate has a smaller error than the constant."
    surely = "" if ratio["high"] is not None and ratio["high"] < 1 else ", not beyond chance"
    return (
        f"{name}: best is {best['surrogate']}, R² {estimate_text(scores['r2'])}, Spearman "
        f"{estimate_text(scores['spearman'])}, error {estimate_text(ratio)} times the constant's{surely}."
    )


def _coverage_sentence(entry: Mapping[str, Any]) -> str:
    short = [
        f"{line['surrogate']}, {SPLIT_LABELS[line['split']]} ({100 * value:.1f}\u00a0%)"
        for line in entry["lines"]
        if line["split"] != "extrapolation"
        and (value := line["scores"]["coverage_90"]["value"]) is not None
        and not COVERED[0] <= value <= COVERED[1]
    ]
    low, high = (f"{100 * end:.0f}" for end in COVERED)
    if not short:
        return f"Coverage of the 90\u00a0% intervals: between {low} and {high}\u00a0% everywhere but in extrapolation."
    return f"Coverage of the 90\u00a0% intervals is not between {low} and {high}\u00a0% for: {'; '.join(short)}."


_SCORES_0, _CONSTANT = "scores 0", "predicts a constant"


def _control_sentence(entry: Mapping[str, Any]) -> str:
    verdicts = {name: _control_verdict(estimate) for name, estimate in entry["control"].items()}
    wrong = [name for name, verdict in verdicts.items() if verdict not in (_SCORES_0, _CONSTANT)]
    if not wrong:
        constant = ", or predicts a constant" if _CONSTANT in verdicts.values() else ""
        return f"Shuffled targets: every surrogate scores 0 within its interval{constant}."
    return f"Shuffled targets: {', '.join(wrong)} did not score 0; see below."


def _control_verdict(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["low"], estimate["high"]
    if low is None:
        return _CONSTANT
    return _SCORES_0 if low <= 0 <= high else "above 0: something may leak" if low > 0 else "below 0"


def _worth_sentences(entry: Mapping[str, Any]) -> Iterator[str]:
    verdicts: dict[str, list[str]] = {"help": [], "harm": []}
    for worth in entry["worths"]:
        if abs(worth["worth"]["value"] or 0.0) < LEAST_WORTH * worth["error_with"]:
            continue
        told = f"{worth['group']} ({worth['surrogate']}, {_WAYS[worth['way']]})"
        if worth["worth"]["low"] is not None and worth["worth"]["low"] > 0:
            verdicts["help"].append(told)
        elif worth["worth"]["high"] is not None and worth["worth"]["high"] < 0:
            verdicts["harm"].append(told)
    if entry["worths"]:
        texts = [f"{verb} {', '.join(found)}" if found else f"{verb} none" for verb, found in verdicts.items()]
        yield f"Groups of features, beyond chance and by a fiftieth of the error or more: {'; '.join(texts)}."
    if entry["without_sensitivities"]:
        yield f"Sensitivities: not shown, {entry['without_sensitivities']}."


def _transfer_sentence(entry: Mapping[str, Any]) -> str:
    if entry["without_transfer"]:
        return f"Transfer from other tasks: not shown, {entry['without_transfer']}."
    text = _against_scratch(entry["transfer"], entry["transfer"], "other tasks")
    return f"Transfer from other tasks, error over that from scratch: {text or 'too few traces to compare'}."


def _starts_sentences(entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["without_starts"]:
        yield f"Losses before fine-tuning: not shown, {entry['without_starts']}."
    for way in dict.fromkeys(point["start"] for point in entry["starts"]):
        if text := _against_scratch(entry["starts"], entry["transfer"], way):
            yield f"From {way}, error over that from scratch: {text}."


def _against_scratch(points: Sequence[Mapping[str, Any]], beside: Sequence[Mapping[str, Any]], start: str) -> str:
    by_size: dict[int, list[float]] = {}
    scratch = {(p["surrogate"], p["traces"]): p["link_rmse"]["value"] for p in beside if p["start"] == "scratch"}
    for point in points:
        below = scratch.get((point["surrogate"], point["traces"]))
        if point["start"] == start and below and point["link_rmse"]["value"] is not None:
            by_size.setdefault(point["traces"], []).append(point["link_rmse"]["value"] / below)
    return ", ".join(
        f"{min(ratios):.2f} to {max(ratios):.2f} with {counted(size, 'own trace')}" for size, ratios in by_size.items()
    )


def _worth_cell(worth: Mapping[str, Any] | None, metric: str) -> str:
    if worth is None:
        return UNKNOWN
    return estimate_text(worth["worth"], 3) if METRICS[metric].log_target else _cell("crps", worth["worth"], metric)


def _cell(name: str, estimate: Mapping[str, Any], metric: str) -> str:
    in_unit = name == "crps" or (name == "link_rmse" and not METRICS[metric].log_target)
    if not in_unit or estimate["value"] is None:
        return estimate_text(estimate)
    shown = quantity(metric, [estimate["value"]])
    return shown.interval_text(estimate) + (f" {shown.unit}" if shown.divisor != 1 else "")
