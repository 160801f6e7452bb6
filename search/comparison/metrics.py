"""What a comparison says: figures over seeds, each with its interval and the number of seeds.

Notation:
    n: trials of a run, in order.
    m: objectives.
    s: seeds.
    g: points of a grid.

Every trial is judged by its value without noise; what a searcher would recommend, by the values that it saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.statistics.interval import Estimate, student_mean
from search.contract.pareto import hypervolume, non_dominated, reference_point, running_hypervolume

Floats = NDArray[np.float64]
Record = Mapping[str, Any]

_GRID: Final = 60
_ROUNDING: Final = 1e-9


@final
@dataclass(frozen=True)
class OverSeeds:
    """A mean over seeds with Student's interval.

    Args:
        mean: undefined without any seed; it has no interval with fewer than two.
        n: seeds, 0 or more.
    """

    mean: Estimate
    n: int

    def to_dict(self) -> dict[str, float | None]:
        """Returns the mean, its interval and the number of seeds as plain values."""
        return {**asdict(self.mean), "n": self.n}


def over_seeds(values: Sequence[float | None]) -> OverSeeds:
    """Returns the mean of the known values with Student's interval, and their number.

    Args:
        values: one number a seed, in any unit; None or not finite where it is not known.
    """
    known = [value for value in values if value is not None and np.isfinite(value)]
    return OverSeeds(student_mean(known), len(known))


@final
@dataclass(frozen=True)
class Yardstick:
    """What the runs on one task are measured against.

    Args:
        front: the best known objectives, shape ``(any, m)``.
        reference: the point of losses beyond which nothing counts, shape ``(m,)``.
        volume: that the front dominates.
    """

    front: Floats
    reference: Floats
    volume: float


def yardstick(runs: Sequence[Record], known: Record) -> Yardstick:
    """Returns the best front known: of all runs' trials and of the long search without noise.

    Args:
        runs: records of searches on one task.
        known: the task's reference record.

    Raises:
        UserError: when nothing of it all meets the budget.
    """
    full = [array(run["true"])[affordable(run)] for run in runs]
    pooled = np.concatenate([array(known["front"]).reshape(-1, len(known["objectives"])), *full])
    front = pooled[non_dominated(pooled)]
    reference = reference_point(front)
    return Yardstick(front, reference, hypervolume(front, reference))


def regret_course(run: Record, against: Yardstick) -> Floats:
    """Returns the share of the best known hypervolume that is missing after each trial, shape ``(n,)``.

    Trainings cut short and trials beyond the budget add cost and nothing else.
    """
    values = array(run["true"])
    values[~affordable(run)] = np.nan
    return np.asarray(1.0 - running_hypervolume(values, against.reference) / against.volume)


def spent(run: Record, axis: str) -> Floats:
    """Returns what a run had spent after each trial, shape ``(n,)``.

    Args:
        run: record of one search.
        axis: ``shares`` for full trainings, ``seconds`` for simulated seconds.
    """
    return np.cumsum(array(run[axis]))


def at(run: Record, against: Yardstick, axis: str, grid: Floats) -> Floats:
    """Returns the regret once so much was spent, shape ``(g,)``: 1 before the first trial."""
    course = np.concatenate([[1.0], regret_course(run, against)])
    return np.asarray(course[np.searchsorted(spent(run, axis), grid + _ROUNDING, side="right")])


def regret_after(run: Record, against: Yardstick, budget: int) -> float | None:
    """Returns the regret once a budget of full trainings was spent, None where the run ended before."""
    if spent(run, "shares")[-1] <= budget - 1:
        return None
    return float(at(run, against, "shares", np.asarray([float(budget)]))[0])


def regret_curve(runs: Sequence[Record], against: Yardstick, axis: str) -> dict[str, list[Any]]:
    """Returns the mean regret of a contender's runs with its interval over what was spent.

    Args:
        runs: of one contender on one task.
        against: the yardstick of the task.
        axis: ``shares`` or ``seconds``.
    """
    grid = np.linspace(0, min(spent(run, axis)[-1] for run in runs), _GRID + 1)[1:]
    values = np.asarray([at(run, against, axis, grid) for run in runs])
    means = [over_seeds(column).to_dict() for column in values.T.tolist()]
    return {"x": grid.tolist(), **{key: [each[key] for each in means] for key in ("value", "low", "high", "n")}}


def attainment(runs: Sequence[Record], share: float = 0.5) -> list[list[float]]:
    """Returns the surface that this share of a contender's runs attained, of two or three objectives; empty of more.

    Points rise in the second objective.

    Source: the empirical attainment function, Grunert da Fonseca, Fonseca, Hall 2001, by moocore.
    """
    from moocore import eaf

    points, sets = [], []
    for number, run in enumerate(runs):
        values = array(run["true"])[affordable(run)]
        values = values[non_dominated(values)]
        points.append(values)
        sets.append(np.full(len(values), number + 1))
    pooled = np.concatenate(points)
    m = pooled.shape[1]
    if m not in (2, 3) or len(pooled) == 0:
        return []
    surface = eaf(pooled, np.concatenate(sets), percentiles=[100 * share])
    return sorted(surface[:, :m].tolist(), key=lambda point: point[1])


def time_to_uniform(run: Record, uniform: Sequence[float] | None) -> tuple[float, float] | None:
    """Returns trainings and seconds until a trial was at least as good as uniform 4-bit in everything, else None."""
    if uniform is None:
        return None
    good = (array(run["true"]) <= np.asarray(uniform)).all(axis=1) & affordable(run)
    if not good.any():
        return None
    first = int(good.argmax())
    return float(spent(run, "shares")[first]), float(spent(run, "seconds")[first])


def recommended(run: Record) -> NDArray[np.int64]:
    """Returns the trials on the front as the searcher saw it, shape ``(any,)``."""
    seen = array(run["observed"])
    seen[~affordable(run)] = np.nan
    return np.flatnonzero(non_dominated(seen))


def affordable(run: Record) -> NDArray[np.bool_]:
    """Returns which trials were full trainings within the budget, shape ``(n,)``."""
    return np.asarray((array(run["shares"]) == 1.0) & (array(run["violations"]) == 0))


def array(values: Any) -> Floats:
    """Returns a record's list as numbers, NaN for None."""
    return np.asarray(values, dtype=np.float64)


def plain(values: Floats) -> list[Any]:
    """Returns an array as lists, with None for what is not finite."""
    as_objects = values.astype(object)
    as_objects[~np.isfinite(values)] = None
    found: list[Any] = as_objects.tolist()
    return found
