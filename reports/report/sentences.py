"""The findings of a run in words: one sentence for each kind of finding."""

from perfmodel.files.sizes import size_text
from perfmodel.space.metrics import METRICS
from perfmodel.statistics.finding import Finding
from reports.figures.quantity import counted, estimate_text
from reports.figures.words import listed

AXES = {"pruning_rate": "pruning", "bits": "bits", "rank": "rank"}
HELD = 0.75
"""Share inside 90 % intervals from which predictions count as good: fewer are rare by chance from some ten runs on."""

_AGAINST = {
    "better": "and its loss is lower",
    "alike": "at the same loss within seed noise",
    "worse": "but its loss is higher",
}


def answer_sentence(found: Finding) -> str:
    """Returns what to take."""
    numbers = found.numbers
    if found.kind == "nothing":
        return "No configuration that was run stays within the budget: raise it, or run more of the front."
    text = f"Take {numbers['name']}: it trains in {size_text(numbers['peak_bytes'])}"
    if numbers["budget_bytes"] is not None:
        text += f", within your budget of {size_text(numbers['budget_bytes'])}"
    if "full_loss" in numbers:
        text += (
            f", {100 * numbers['share_of_full']:.0f}\u00a0% of 16-bit LoRA's peak, {_AGAINST[numbers['against_full']]} "
            f"({numbers['loss']:.3f} against {numbers['full_loss']:.3f})"
        )
    else:
        text += f", to a loss of {numbers['loss']:.3f}"
    return f"{text}."


def sureness_sentence(found: Finding) -> str:
    """Returns how sure the answer is; empty where there is none."""
    if found.kind == "nothing":
        return ""
    numbers = found.numbers
    runs = counted(numbers["runs"], "real fine-tune")
    if not numbers["repeats"]:
        return f"How sure: {runs}; no repeated run says what a change of seed does, so small differences mean nothing."
    return (
        f"How sure: {runs} with seeds that no model saw; what a change of seed does is known from "
        f"{counted(numbers['repeats'], 'repeated run')}. Of all whose loss is no worse than the "
        "best's, within that noise, it needs the least memory."
    )


def learnt_sentence(found: Finding) -> str:
    """Returns a warning where nothing beat an answer that ignores the question; empty where something did."""
    if found.kind != "not learnt":
        return ""
    return (
        f"Beware: the best loss that was measured, {found.numbers['loss']:.3f}, is no better than an answer that "
        f"ignores the question ({found.numbers['blind_loss']:.3f}): nothing of the task was learnt."
    )


def front_title(found: Finding) -> str:
    """Returns how many configurations were predicted and how many really run."""
    run = found.numbers["run"]
    predicted = counted(found.numbers["predicted"], "configuration")
    real = f"{counted(run, 'configuration')} measured by real runs" if run else "none of it measured by a real run"
    return f"The trade-off: {predicted} predicted to be worth a choice, {real}"


def failed_sentence(found: Finding) -> str:
    """Returns which validated configurations have no measurement; empty where all have one."""
    failed = found.numbers["failed"]
    if not failed:
        return ""
    return f"Not drawn because no run ended well: {', '.join(failed)}; the table says why."


def prediction_title(findings: list[Finding]) -> str:
    """Returns how often real runs fell inside the predicted intervals, over all metrics."""
    if not findings:
        return "Predicted against measured: no real run to compare with"
    inside = sum(each.numbers["inside_interval"] for each in findings)
    total = sum(each.numbers["n"] for each in findings)
    verdict = "held" if inside >= HELD * total else "fell short"
    return f"The predictions {verdict}: {inside} of {total} measured values lie inside their 90\u00a0% interval"


def prediction_sentence(found: Finding) -> str:
    """Returns how the predictions of one metric did: errors of shares in points, of others in per cent."""
    numbers = found.numbers
    metric = METRICS[numbers["metric"]]
    in_points = metric.unit == "share"
    error = numbers["mean_absolute_error" if in_points else "mean_absolute_relative_error"]
    tail = "" if error is None else f", off by {100 * error:.1f}\u00a0{'points' if in_points else '%'} on average"
    return f"{metric.label}: {numbers['inside_interval']} of {counted(numbers['n'], 'run')} inside{tail}."


def axes_title(found: Finding) -> str:
    """Returns the axes by what is known of them."""
    if found.kind == "unknown":
        return "What matters in this setting: not known"
    words = {
        "matters": ("matters", "matter"),
        "no effect seen": ("shows no effect", "show no effect"),
        "undecided": ("is undecided", "are undecided"),
        "untested": ("is untested", "are untested"),
    }
    parts = [
        f"{listed([AXES.get(name, name) for name in names])} {words[group][len(names) > 1]}"
        for group, names in found.numbers["groups"].items()
        if names
    ]
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def axes_sentences(found: Finding) -> tuple[str, ...]:
    """Returns what the seed noise is, from how many runs it is known, and why a rank is untested."""
    if found.kind == "unknown":
        return ()
    numbers = found.numbers
    scale = "of the loss' logarithm " if numbers["log"] else ""
    noise = (
        f"One seed deviation {scale}is {estimate_text(numbers['std'], 4)}, from "
        f"{counted(numbers['repeats'], 'repeated run')} of {counted(numbers['repeated'], 'configuration')}; effects "
        f"are from {counted(numbers['traces'], 'trace')} of {counted(numbers['configurations'], 'configuration')}."
    )
    if not numbers["groups"]["untested"]:
        return (noise,)
    return (
        noise,
        f"Rank is untested: with {numbers['load']:.0f} trained parameters for each scored token, even a small adapter "
        "can hold all there is to learn. Longer runs would test it.",
    )


def search_title(found: Finding) -> str:
    """Returns the best searcher beside random search."""
    numbers = found.numbers
    if found.kind == "unknown":
        return "The search: not recorded"
    if found.kind == "alone":
        return "The search: how fast the front grew"
    seeds = counted(numbers["seeds"], "seed")
    if found.kind == "no better":
        return f"The search: no searcher beat random search ({seeds})"
    return f"The search: {numbers['best']} reached {numbers['ratio']:.3f} times what random search did ({seeds})"


def surrogates_title(found: Finding) -> str:
    """Returns on which metrics the chosen surrogate is clearly better than the constant."""
    if found.kind == "unknown":
        return "The performance models: not scored"
    clear = [_label(name) for name in found.numbers["clear"]]
    if not clear:
        return "No performance model clearly beats answering the mean"
    others = [_label(name) for name in found.numbers["others"]]
    tail = f", not on {listed(others)}" if others else ""
    return f"The performance models beat answering the mean on {listed(clear)}{tail}"


def _label(name: str) -> str:
    label = METRICS[name].label if name in METRICS else name
    return label[0].lower() + label[1:]
