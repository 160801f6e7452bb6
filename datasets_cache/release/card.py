"""The data card of a release: what a reader must know before using it, computed from the traces alone.

The part that a person wrote is in ``<name>.notes.md`` beside it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from datasets_cache.release.card_analysis import analysis
from datasets_cache.release.card_pilot import one_axis_at_a_time
from datasets_cache.release.coverage import HELD_BY, TENTHS, shelf_coverage
from perfmodel.files.checksum import sha256_of
from perfmodel.files.markdown_table import markdown_table
from perfmodel.space.space import Configuration
from perfmodel.statistics.seed_noise import RepeatedRuns
from perfmodel.traces.trace import Trace

Blind = tuple[float, float]
"""Loss, nats per answer token, and accuracy of the best answers that ignore the question."""

SCORED_FROM = 10.0
"""Spread of the loss over its seed noise from which a task takes part in scores."""


def card(name: str, traces: Sequence[Trace], notes: str, file: Path, blind: Callable[[Trace], Blind]) -> str:
    """Returns the data card as Markdown.

    Args:
        name: name of the release.
        traces: every trace of the release.
        notes: the part that a person wrote, Markdown.
        file: the Parquet file of the release.
        blind: returns the question-blind loss (nats) and accuracy (in [0, 1]) of a trace's task.
    """
    groups = by_setting(compared(traces))
    parts = [
        f"# {name}",
        f"{len(traces)} real fine-tunes, {file.stat().st_size / 1e3:.0f} kB, sha256 `{sha256_of(file)}`.",
        notes.strip(),
        "## Coverage",
        markdown_table(
            ("task", "traces", "ok", "configurations", "at 3 seeds or more", "rates", "mean bits", "mean rank"),
            (_coverage(label, of_one) for label, of_one in groups.items()),
        ),
        f"Configurations by tenth of the mean bits (2 to 16) and by rate; held is what {HELD_BY} or more lie in.",
        f"![configurations by mean bits and pruning rate]({name}.coverage.png)",
        markdown_table(
            ("task", "tenths of the bits held", "rates held", "cells held"),
            (_cells(label, of_one) for label, of_one in groups.items()),
        ),
        "## The gate: does a 16-bit fine-tune beat the best answer that ignores the question?",
        markdown_table(
            ("task", "runs", "loss, 16-bit", "loss, blind", "accuracy, 16-bit", "accuracy, blind"),
            (_gate(label, of_one, blind(of_one[0])) for label, of_one in groups.items()),
        ),
        "## Seed noise",
        "Pooled standard deviation of the held-out loss over seeds, beside its spread over configurations, in nats. A "
        f"task takes part in scores where its spread is at least {SCORED_FROM:g} times its noise.",
        markdown_table(
            ("task", "configurations repeated", "runs", "noise", "spread", "spread / noise", "in the scores"),
            (_noise(label, of_one) for label, of_one in groups.items()),
        ),
        *one_axis_at_a_time(traces),
        *analysis(groups),
        "## Made on",
        markdown_table(("what", "values (traces)"), _made_on(traces)),
    ]
    return "\n\n".join(parts) + "\n"


def compared(traces: Iterable[Trace]) -> list[Trace]:
    """Returns the traces of the most frequent setting of each model, task and device class, without the others.

    Args:
        traces: every trace of a release.
    """
    settings: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    known = list(traces)
    for trace in known:
        setting = trace.asked.setting
        settings[setting.model, setting.task, setting.device_class][setting.identifier] += 1
    kept = {counts.most_common(1)[0][0] for counts in settings.values()}
    return [trace for trace in known if trace.asked.setting.identifier in kept]


def by_setting(traces: Iterable[Trace]) -> dict[str, list[Trace]]:
    """Returns groups of comparable traces, named by the task and whatever else differs between groups.

    Never mixed: base models, devices, recipes, methods, and bits by layer with bits by module.

    Args:
        traces: traces of any settings.
    """
    tasks: defaultdict[str, defaultdict[tuple[str, ...], list[Trace]]] = defaultdict(lambda: defaultdict(list))
    for trace in traces:
        setting, configuration = trace.asked.setting, trace.asked.configuration
        parts = (
            setting.model,
            setting.device_class,
            f"setting {setting.identifier}",
            *configuration.methods.to_dict().values(),
            f"{len(configuration.bits)} units",
        )
        tasks[setting.task][parts].append(trace)
    groups: dict[str, list[Trace]] = {}
    for task, of_task in sorted(tasks.items()):
        varying = [index for index, values in enumerate(zip(*of_task, strict=True)) if len(set(values)) > 1]
        for parts, group in sorted(of_task.items()):
            groups[", ".join((task, *(parts[index] for index in varying)))] = group
    return groups


def plain_runs(traces: Iterable[Trace]) -> list[Trace]:
    """Returns the runs with status ``ok`` of unpruned 16-bit LoRA with an adapter in every unit.

    Args:
        traces: traces of one task.
    """
    return [trace for trace in traces if trace.ok and _is_plain(trace.asked.configuration)]


def _is_plain(configuration: Configuration) -> bool:
    return set(configuration.bits) == {16} and configuration.pruning_rate == 0 and min(configuration.ranks) > 0


def losses(traces: Iterable[Trace]) -> list[list[float]]:
    """Returns the held-out losses of every configuration, nats per answer token.

    Args:
        traces: traces of one or several settings; failed ones are left out.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    for trace in traces:
        if trace.ok and trace.measured.held_out_loss is not None:
            found[trace.asked.configuration.identifier].append(trace.measured.held_out_loss)
    return list(found.values())


def noise_and_spread(traces: Sequence[Trace]) -> tuple[float | None, float | None]:
    """Returns the pooled standard deviation of the loss over seeds, and that of the configurations' means, in nats.

    The first is None where no configuration was run twice, the second where there is a single one.

    Args:
        traces: traces of one setting; failed ones are left out.
    """
    found = losses(traces)
    group = np.repeat(np.arange(len(found)), [len(values) for values in found])
    runs = RepeatedRuns.of(np.concatenate([[], *found]), group)
    noise = None if runs.variance is None else runs.variance**0.5
    return noise, stdev(runs.means.tolist()) if len(found) > 1 else None


def takes_part_in_scores(traces: Sequence[Trace]) -> bool | None:
    """Returns whether the spread of the loss is large beside its seed noise; None where one is not known.

    Args:
        traces: traces of one setting; failed ones are left out.
    """
    noise, spread = noise_and_spread(traces)
    if noise is None or spread is None:
        return None
    return spread >= SCORED_FROM * noise


def _coverage(label: str, traces: Sequence[Trace]) -> tuple[str, ...]:
    configurations = {trace.asked.configuration for trace in traces}
    runs = Counter(trace.asked.configuration for trace in traces if trace.ok)
    bits = [mean(each.bits) for each in configurations]
    ranks = [mean(each.ranks) for each in configurations]
    rates = sorted({each.pruning_rate for each in configurations})
    return (
        label,
        str(len(traces)),
        str(sum(trace.ok for trace in traces)),
        str(len(configurations)),
        str(sum(count >= 3 for count in runs.values())),
        ", ".join(f"{rate:g}" for rate in rates),
        f"{min(bits):.1f} to {max(bits):.1f}",
        f"{min(ranks):.1f} to {max(ranks):.1f}",
    )


def _cells(label: str, traces: Sequence[Trace]) -> tuple[str, ...]:
    found = shelf_coverage(traces)
    return (
        label,
        f"{found.tenths} of {TENTHS}",
        f"{found.covered_rates} of {len(found.rates)}",
        f"{found.cells} of {found.counts.size}",
    )


def _gate(label: str, traces: Sequence[Trace], blind: Blind) -> tuple[str, ...]:
    runs = plain_runs(traces)
    loss = [trace.measured.held_out_loss or 0.0 for trace in runs]
    accuracy = [trace.measured.accuracy or 0.0 for trace in runs]
    return label, str(len(runs)), _mean(loss), f"{blind[0]:.3f}", _mean(accuracy), f"{blind[1]:.3f}"


def _noise(label: str, traces: Sequence[Trace]) -> tuple[str, ...]:
    repeated = [values for values in losses(traces) if len(values) > 1]
    noise, spread = noise_and_spread(traces)
    part = {True: "yes", False: "**no**", None: "no: not known"}[takes_part_in_scores(traces)]
    shown = [f"{value:.4f}" if value is not None else "not known" for value in (noise, spread)]
    ratio = f"{spread / noise:.0f}" if noise and spread is not None else "not known"
    return label, str(len(repeated)), str(sum(map(len, repeated))), *shown, ratio, part


def _made_on(traces: Sequence[Trace]) -> list[tuple[str, str]]:
    def counted(values: Iterable[str]) -> str:
        return ", ".join(f"{value} ({count})" for value, count in sorted(Counter(values).items()))

    def version(versions: Mapping[str, str], name: str) -> str:
        return versions.get(name, "absent")

    rows = [
        ("base model", counted(f"{t.asked.setting.model} `{t.asked.setting.model_sha256[:12]}`" for t in traces)),
        ("device", counted(f"{t.asked.setting.device_class}: {t.ran_on.device_name}" for t in traces)),
        ("threads of cores", counted(f"{t.ran_on.threads} of {t.ran_on.cores}" for t in traces)),
        ("code version", counted(t.ran_on.code_version for t in traces)),
        ("started", f"{min(t.ran_on.started_at for t in traces)} to {max(t.ran_on.started_at for t in traces)}"),
        ("status", counted(t.measured.status for t in traces)),
        ("recipe", counted(f"`{t.asked.setting.recipe.identity()}`" for t in traces)),
    ]
    names = sorted({name for trace in traces for name in trace.ran_on.versions})
    return rows + [(name, counted(version(trace.ran_on.versions, name) for trace in traces)) for name in names]


def _mean(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.3f}" if values else "not measured"
    return f"{mean(values):.3f} ± {stdev(values):.3f}"
