"""What each section's heading says: a finding where the record bears it out, else what is shown."""

from reports.figures.hypervolume import searcher_runs
from reports.figures.quantity import Record, counted, estimate_text, quantities
from reports.report.interval_levels import level_text

_AXES = {"pruning_rate": "the pruning rate", "bits": "bits", "rank": "the LoRA rank"}
_VERDICTS = {"matters": "effect beyond seed noise", "no effect seen": "none seen", "undecided": "undecided"}


def front_heading(record: Record) -> str:
    """Returns how many configurations were predicted and how many really run."""
    run = sum(1 for entry in record["validation"] if entry["status"].get("ok"))
    predicted = counted(len(record["front"]), "configuration")
    real = f"and real runs of {counted(run, 'configuration')}" if run else "not yet measured by any real run"
    return f"A predicted front of {predicted}, {real}"


def prediction_heading(record: Record) -> str:
    """Returns how often real runs fell inside the predicted intervals, for the first objective."""
    name = record["objectives"][0]
    check = record["prediction_check"].get(name)
    if not check or not check["n"]:
        return "Predicted against measured: no real run to compare with"
    label, inside = quantities(record)[name].label.lower(), check["inside_interval"]
    runs = counted(check["n"], "real run")
    return f"{inside} of {runs} fell inside the predicted interval of the {label}"


def prediction_sentences(record: Record) -> list[str]:
    """Returns one sentence for each metric with validation runs."""
    level, known = level_text(record, "predicted"), quantities(record)
    sentences = []
    for name, check in record["prediction_check"].items():
        if check["n"]:
            error = check.get("mean_absolute_relative_error")
            tail = "" if error is None else f"; mean absolute relative error {100 * error:.1f}\u00a0%"
            label = known[name].label if name in known else name
            inside = f"{check['inside_interval']} of {check['n']} inside the predicted {level} interval"
            sentences.append(f"{label}: {inside}{tail}.")
    return sentences


def scores_heading(record: Record) -> str:
    """Returns the metrics on which the chosen surrogate is clearly better than the constant."""
    known = quantities(record)
    chosen = [entry for entry in record["scores"] if record["surrogates"].get(entry["metric"]) == entry["surrogate"]]
    clear = [
        known[entry["metric"]].label.lower() if entry["metric"] in known else entry["metric"]
        for entry in chosen
        if (high := entry["error_ratio_to_constant"]["high"]) is not None and high < 1
    ]
    if not record["scores"]:
        return "Surrogates: not scored"
    return f"Surrogates beat the constant on {_listed(clear)}" if clear else "No surrogate clearly beats the constant"


def hypervolume_heading(record: Record) -> str:
    """Returns the best searcher's final hypervolume over that of random search."""
    finals = {name: run["values"][-1] for name, run in searcher_runs(record).items() if run["values"]}
    if not finals:
        return "Hypervolume over evaluations: not recorded"
    base = finals.pop("random", None)
    if base is None or not finals or base <= 0:
        return "Hypervolume over evaluations"
    best = max(finals, key=lambda name: finals[name])
    seeds = counted(record["hypervolume"].get("seeds", 1), "seed")
    if finals[best] <= base:
        return f"No searcher beat random search ({seeds})"
    return f"{best} reached {finals[best] / base:.3f} times the hypervolume of random search ({seeds})"


def effects_heading(record: Record) -> str:
    """Returns the axes by verdict."""
    effects = record.get("effects")
    if not effects:
        return "Which axes matter: not known"
    parts = []
    for verdict, word in _VERDICTS.items():
        names = [_AXES.get(entry["axis"], entry["axis"]) for entry in effects["axes"] if entry["verdict"] == verdict]
        if names:
            parts.append(f"{word}: {_listed(names)}")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] if text else "Which axes matter: not known"


def noise_sentence(record: Record) -> str:
    """Returns what the seed noise is and from how many runs it is known; empty without effects."""
    effects = record.get("effects")
    if not effects:
        return ""
    noise, scale = effects["noise"], "of the metric's logarithm " if effects["log"] else ""
    known = quantities(record)
    label = known[effects["metric"]].label if effects["metric"] in known else effects["metric"]
    repeats, repeated = counted(noise["repeats"], "repeated run"), counted(noise["configurations"], "configuration")
    traces, different = counted(effects["n_traces"], "trace"), counted(effects["n_configurations"], "configuration")
    return (
        f"{label}: one seed deviation {scale}is {estimate_text(noise['std'], 4)}, from {repeats} of {repeated}; "
        f"effects from {traces} of {different}."
    )


def failed_sentence(record: Record) -> str:
    """Returns which validated configurations have no measurement; empty where all have one."""
    failed = [entry["name"] for entry in record["validation"] if not entry["status"].get("ok")]
    if not failed:
        return ""
    return f"Not drawn because no run ended well: {', '.join(failed)} (see the table of validated configurations)."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
