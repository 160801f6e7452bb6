"""The sections of a data card that are computed with intervals; each is a table, or says why there is none."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from perfmodel.effects.bits_against_ranks import agreement, bits_against_ranks
from perfmodel.effects.noise_ceiling import noise_ceiling
from perfmodel.effects.variance_shares import PARTS, variance_shares
from perfmodel.errors import NotEnoughTracesError
from perfmodel.files.markdown_table import markdown_table
from perfmodel.space.metrics import ACCURACY, LOSS, METRICS
from perfmodel.statistics.interval import Estimate
from perfmodel.traces.trace import Trace

T = TypeVar("T")

Groups = Mapping[str, Sequence[Trace]]

CEILING_METRICS = (LOSS, ACCURACY)

PART_NAMES = {
    "pruning_rate": "pruning rate",
    **{name: f"{name.partition('_')[0]}, {name.partition('_')[2]} third" for name in PARTS[1:]},
}


def analysis(groups: Groups) -> list[str]:
    """Returns the sections as Markdown, one text a paragraph or table.

    Args:
        groups: the traces of each setting by its name.
    """
    return [*_ceilings(groups), *_shares(groups), *_agreements(groups), *_alignments(groups)]


def shown(value: Estimate) -> str:
    """Returns an estimate with its interval.

    Args:
        value: an estimate with or without an interval.
    """
    if value.value is None:
        return "not defined"
    if value.low is None or value.high is None:
        return f"{_two(value.value)} [not known]"
    return f"{_two(value.value)} [{_two(value.low)}, {_two(value.high)}]"


def _two(number: float) -> str:
    return f"{round(number, 2) + 0.0:.2f}"  # -0.00 is 0.00


def _ceilings(groups: Groups) -> list[str]:
    rows: list[tuple[str, ...]] = []
    missing: dict[str, str] = {}
    for metric in CEILING_METRICS:
        scale = "log of nats" if METRICS[metric].log_target else METRICS[metric].unit
        found, too_few = _each(groups, partial(noise_ceiling, metric=metric))
        missing |= too_few
        rows += [
            (
                name,
                metric,
                f"{each.repeated} of {each.configurations}",
                scale,
                *map(shown, (each.noise, each.spread, each.r2, each.spearman, each.kendall)),
            )
            for name, each in found.items()
        ]
    head = ("task", "metric", "repeated", "scale", "noise", "spread without noise", "R2", "Spearman", "Kendall")
    return [
        "## The noise ceiling",
        "The best scores that anything can reach against single runs (`perfmodel.effects.noise_ceiling`); 95 % "
        "intervals over configurations, not known where fewer than three were repeated.",
        *_told(markdown_table(head, rows) if rows else "", missing),
    ]


def _shares(groups: Groups) -> list[str]:
    found, missing = _each(groups, variance_shares)
    rows = [
        (label, *(shown(each.parts[part]) for each in found.values()))
        for part, label in PART_NAMES.items()
        if part != "pruning_rate"
    ]
    axes = {"pruning_rate": "**pruning rate**", "bits": "**bits**", "rank": "**rank**"}
    axes |= {name: f"**{name}**" for name in ("interactions", "noise", "unexplained")}
    by_axis = [(label, *(shown(each.axes[name]) for each in found.values())) for name, label in axes.items()]
    return [
        "## What the variance of the loss is made of",
        "Shares of the variance of log loss over single runs (`perfmodel.effects.variance_shares`): Shapley values of "
        "what second-order regressions on rate, bits and ranks by third of the depth explain of configurations left "
        "out. The bold rows add up to 1; the thirds add up to their axis.",
        *_told(markdown_table(("share", *found), [*by_axis, *rows]) if found else "", missing),
    ]


def _agreements(groups: Groups) -> list[str]:
    found, missing = _each(groups, agreement)
    rows = [(name, str(each.configurations), shown(each.spearman), shown(each.kendall)) for name, each in found.items()]
    return [
        "## Does accuracy follow from loss?",
        "Rank correlation of accuracy with the negative loss.",
        *_told(markdown_table(("task", "configurations", "Spearman", "Kendall"), rows) if rows else "", missing),
    ]


def _alignments(groups: Groups) -> list[str]:
    found, missing = _each(groups, bits_against_ranks)
    rows = [
        (
            name,
            f"{each.best} of {each.configurations}",
            *map(shown, (each.among_best, each.among_others, each.difference, each.importances)),
        )
        for name, each in found.items()
    ]
    head = ("task", "best", "among the best", "among the others", "difference", "error's cost and rank's gain by layer")
    return [
        "## Do bits and ranks stand in for each other, or go together?",
        "AutoQRA says that low bits go with high ranks (compensation: a negative difference), QR-Adaptor that "
        "sensitive layers get both (alignment: a positive one). Correlations over layers "
        "(`perfmodel.effects.bits_against_ranks`); the best lost least beyond what their budget explains.",
        *_told(markdown_table(head, rows) if rows else "", missing),
    ]


def _each(groups: Groups, of: Callable[[Sequence[Trace]], T]) -> tuple[dict[str, T], dict[str, str]]:
    """Returns the result for each setting that has enough traces, and for the others what they lack."""
    found: dict[str, T] = {}
    missing: dict[str, str] = {}
    for name, traces in groups.items():
        try:
            found[name] = of(traces)
        except NotEnoughTracesError as error:
            missing[name] = f"{error.given}; {error.allowed}"
    return found, missing


def _told(text: str, missing: Mapping[str, str]) -> list[str]:
    told = [f"Not enough traces of {name}: {why}." for name, why in missing.items()]
    return [each for each in (text, "\n".join(f"- {line}" for line in told)) if each]
