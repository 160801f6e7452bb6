"""The section of a data card about a pilot: the effect of each axis, one at a time, against seed noise."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from datasets_cache.release.card_analysis import shown
from perfmodel.effects.axis_effects import MATTERS_ABOVE
from perfmodel.effects.one_at_a_time import OneAtATime, one_at_a_time
from perfmodel.errors import NotEnoughTracesError
from perfmodel.files.markdown_table import markdown_table
from perfmodel.space.metrics import ACCURACY, LOSS
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Trace

METRICS = (LOSS, ACCURACY)


def one_axis_at_a_time(traces: Sequence[Trace]) -> list[str]:
    """Returns the section as Markdown, one text a paragraph or table; nothing where every task has one recipe.

    Args:
        traces: of a release. A task's middle is the recipe with most traces, and the uniform configuration that was run
            under most recipes.
    """
    tasks: defaultdict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        tasks[trace.asked.setting.task].append(trace)
    several = {task: own for task, own in sorted(tasks.items()) if len({t.asked.setting.recipe for t in own}) > 1}
    if not several:
        return []
    parts = [
        "## One axis at a time",
        "Effect of each axis around the middle, in standard deviations over seeds (s), with 95 % intervals (Student's "
        f"t); **bold** from {MATTERS_ABOVE:g} s on, where it stands out of single runs. The notes give the "
        "middle's value of each axis.",
    ]
    for metric in METRICS:
        found: dict[str, OneAtATime] = {}
        for task, own in several.items():
            try:
                found[task] = _of_task(own, metric)
            except NotEnoughTracesError as error:
                parts.append(f"Not enough traces of {task}: {error}.")
        if found:
            parts += [_summary(metric, found), *([_every(found)] if metric == METRICS[0] else [])]
    return parts


def _of_task(traces: Sequence[Trace], metric: str) -> OneAtATime:
    recipe = Counter(trace.asked.setting.recipe for trace in traces).most_common(1)[0][0]
    recipes: defaultdict[Configuration, set[str]] = defaultdict(set)
    for trace in traces:
        if trace.asked.configuration.is_uniform:
            recipes[trace.asked.configuration].add(trace.asked.setting.identifier)
    if not recipes:
        raise NotEnoughTracesError("no uniform configuration was run", "one under several recipes", "collect a pilot")
    middle = max(recipes, key=lambda each: len(recipes[each]))
    return one_at_a_time(traces, middle, recipe, metric)


def _summary(metric: str, found: Mapping[str, OneAtATime]) -> str:
    axes = sorted({axis for each in found.values() for axis in each.axes()})
    rows = []
    for task, each in found.items():
        greatest = each.axes()
        cells = [_ratio(greatest[axis].ratio.value) if axis in greatest else "not run" for axis in axes]
        rows.append((task, f"{each.middle:.3f} ({each.runs})", f"{each.noise:.4f} ({each.freedom})", *cells))
    head = (f"{metric}: task", "middle (runs)", "s (degrees of freedom)", *axes)
    return f"The greatest effect of each axis, in s.\n\n{markdown_table(head, rows)}"


def _ratio(value: float | None) -> str:
    if value is None:
        return "no noise"
    text = f"{value:+.1f}"
    return f"**{text}**" if abs(value) >= MATTERS_ABOVE else text


def _every(found: Mapping[str, OneAtATime]) -> str:
    rows = [
        (task, each.axis, each.value, str(each.runs), f"{each.mean:.3f}", shown(each.effect), shown(each.ratio))
        for task, of_task in found.items()
        for each in of_task.found
    ]
    head = ("task", "axis", "value", "runs", "held-out loss, nats", "effect on its log", "in s")
    return f"Every departure.\n\n{markdown_table(head, rows)}"
