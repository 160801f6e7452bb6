"""What one axis does around a middle configuration, changed alone, beside what a change of seed does: a pilot.

    z   the metric's logarithm where it is modelled so, else the metric
    s   pooled standard deviation of z over the runs of one configuration in one setting, with f degrees of freedom
    k   runs of the departure;  m  runs of the middle

A departure's effect is the difference of its mean z from the middle's, and its error s sqrt(1 / k + 1 / m) follows
Student's t with f degrees of freedom. Effects are told in s: from 3 on an axis stands out of single runs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from perfmodel.effects.repeats import MINIMUM_REPEATS, require
from perfmodel.errors import NotEnoughTracesError
from perfmodel.features.training_data import measured
from perfmodel.space.metrics import LOSS
from perfmodel.space.metrics import metric as metric_named
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.statistics.interval import Estimate, student_half_width
from perfmodel.statistics.seed_noise import RepeatedRuns
from perfmodel.traces.trace import Trace

NOT_AN_AXIS = ("curve_points", "schedule_steps")
"""Of a recipe: they change what is recorded, or follow from the steps."""


@dataclass(frozen=True)
class Departure:
    """One axis at one other value.

    Args:
        axis: name of the axis in plain words.
        value: the axis' other value, as text.
        runs: k, the number of runs of the departure, 1 or more.
        mean: mean of the metric itself over these runs, in its unit.
        effect: mean z of the departure minus that of the middle.
        ratio: the effect in seed deviations; undefined where seeds make no difference.
    """

    axis: str
    value: str
    runs: int
    mean: float
    effect: Estimate
    ratio: Estimate


@dataclass(frozen=True)
class OneAtATime:
    """Every departure from a middle on one task.

    Args:
        metric: name of the measured column.
        middle: mean of the metric over the middle's runs, in its unit.
        runs: m, the number of runs of the middle, 1 or more.
        noise: s, the pooled standard deviation of z over seeds.
        freedom: f, the degrees of freedom of the noise.
        found: the departures in the order of axis and value.
    """

    metric: str
    middle: float
    runs: int
    noise: float
    freedom: int
    found: tuple[Departure, ...]

    def axes(self) -> Mapping[str, Departure]:
        """Returns the departure of greatest effect of each axis."""
        greatest: dict[str, Departure] = {}
        for each in self.found:
            known = greatest.get(each.axis)
            if known is None or abs(each.effect.value or 0.0) > abs(known.effect.value or 0.0):
                greatest[each.axis] = each
        return greatest


def one_at_a_time(traces: Sequence[Trace], middle: Configuration, recipe: Recipe, metric: str = LOSS) -> OneAtATime:
    """Returns what each axis does to a metric on one task.

    Args:
        traces: traces of one model, task and device; those that are not ``ok`` or depart in several axes are left out,
            but their repeated runs count for the noise.
        middle: configuration that the others depart from.
        recipe: recipe of the middle.
        metric: name of a measured column, of ``perfmodel.space.metrics.METRICS``.

    Raises:
        NotEnoughTracesError: without a run of the middle, or with fewer than ``MINIMUM_REPEATS`` repeated runs.
        UnknownNameError: when the metric does not exist.
    """
    usable, target = measured(traces, metric)
    values = np.log(target) if metric_named(metric).log_target else target
    runs: defaultdict[tuple[Recipe, Configuration], list[int]] = defaultdict(list)
    for place, trace in enumerate(usable):
        runs[trace.asked.setting.recipe, trace.asked.configuration].append(place)
    number = {place: group for group, places in enumerate(runs.values()) for place in places}
    repeated = RepeatedRuns.of(values, np.array([number[place] for place in range(len(values))], dtype=np.int64))
    freedom = repeated.freedom
    require(freedom, MINIMUM_REPEATS, f"repeated runs with {metric}")
    noise = (repeated.variance or 0.0) ** 0.5
    centre = runs.pop((recipe, middle), [])
    if not centre:
        raise NotEnoughTracesError("the middle was not run", "one run or more is needed", "collect it")
    found = []
    for (other, configuration), places in runs.items():
        named = _departed(recipe, other, middle, configuration)
        if named is None:
            continue
        effect = float(values[places].mean() - values[centre].mean())
        half = student_half_width(noise * (1 / len(places) + 1 / len(centre)) ** 0.5, freedom)
        shown = Estimate(effect, effect - half, effect + half)
        found.append(Departure(*named, len(places), float(target[places].mean()), shown, _in(noise, shown)))
    found.sort(key=lambda each: (each.axis, float(each.value) if _is_number(each.value) else 0.0, each.value))
    return OneAtATime(metric, float(target[centre].mean()), len(centre), noise, freedom, tuple(found))


def _in(noise: float, effect: Estimate) -> Estimate:
    if noise == 0 or effect.value is None or effect.low is None or effect.high is None:
        return Estimate.undefined()
    return Estimate(effect.value / noise, effect.low / noise, effect.high / noise)


def _departed(
    recipe: Recipe, other: Recipe, middle: Configuration, configuration: Configuration
) -> tuple[str, str] | None:
    """Returns the one axis that differs and its value, None where there are several or none that has a name."""
    changed = [
        field.name
        for field in fields(Recipe)
        if field.name not in NOT_AN_AXIS and getattr(recipe, field.name) != getattr(other, field.name)
    ]
    moved = _moved(middle, configuration)
    if changed == ["alpha_rule"] and moved is not None and moved[0] == "rank":
        return "rank, alpha = 2 x rank", moved[1]
    if changed and configuration == middle and len(changed) == 1:
        value = getattr(other, changed[0])
        return changed[0].replace("_", " "), f"{value:.3g}" if isinstance(value, float) else str(value)
    return moved if not changed else None


def _moved(middle: Configuration, configuration: Configuration) -> tuple[str, str] | None:
    if configuration.methods != middle.methods or len(configuration.bits) != len(middle.bits):
        return None
    rate = configuration.pruning_rate != middle.pruning_rate
    bits = configuration.bits != middle.bits
    ranks = configuration.ranks != middle.ranks
    if rate + bits + ranks != 1:
        return None
    if rate:
        return "pruning rate", f"{configuration.pruning_rate:g}"
    if bits:
        return ("bits", str(configuration.bits[0])) if len(set(configuration.bits)) == 1 else None
    if len(set(configuration.ranks)) == 1:
        return "rank", str(configuration.ranks[0])
    return _without_adapter(middle, configuration)


def _without_adapter(middle: Configuration, configuration: Configuration) -> tuple[str, str] | None:
    """Returns which layers have no adapter, where all the others have the middle's rank."""
    units = len(middle.ranks)
    bare = [unit for unit, rank in enumerate(configuration.ranks) if rank == 0]
    if any(rank not in (0, usual) for rank, usual in zip(configuration.ranks, middle.ranks, strict=True)):
        return None
    if bare == list(range(0, units, 2)):
        return "layers without adapter", "every other"
    if bare == list(range(len(bare))) and len(bare) == (units + 1) // 2:
        return "layers without adapter", "the first half"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
