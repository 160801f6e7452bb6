"""Which measured configuration is recommended, and which ones stand on the three cards: facts only.

Two mean losses are alike where they differ by less than the noise between seeds explains at 90 %: the standard
deviation of a single run, pooled over repeated configurations, over the square root of the number of runs. Of alike
configurations the smallest counts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfmodel.space.metrics import LOSS, PEAK
from perfmodel.statistics.seed_noise import RepeatedRuns

Row = Mapping[str, Any]
"""A validated configuration of a report's record: ``name``, ``role`` and ``measured``."""

Z = 1.645
"""Standard deviations to each side that hold 90 % of a normal distribution."""

LEAST_REPEATS = 3
"""Runs beyond the first of their configurations from which noise is known."""

FULL_PRECISION = "16-bit LoRA"
"""Name of the reference that quantised choices are measured against."""


@dataclass(frozen=True)
class Noise:
    """What a change of the seed alone does to the held-out loss of one run.

    Args:
        std: standard deviation of a single run, in nats, or of its logarithm; 0 where no repeated run says so.
        log: whether it is of the logarithm.
        repeats: repeated runs that it is known from.
    """

    std: float = 0.0
    log: bool = True
    repeats: int = 0

    @classmethod
    def of_effects(cls, effects: Mapping[str, Any] | None) -> "Noise":
        """Returns the noise that a fit found; none where the effects are not known, or of another metric.

        Args:
            effects: as ``fit/effects.json`` holds them under ``effects``, or None.
        """
        if effects is None or effects["metric"] != LOSS or effects["noise"]["std"]["value"] is None:
            return cls()
        return cls(effects["noise"]["std"]["value"], effects["log"], effects["noise"]["repeats"])

    @classmethod
    def of(cls, effects: Mapping[str, Any] | None, rows: Sequence[Row]) -> "Noise":
        """Returns the noise that a fit found, else that between the runs of validated configurations.

        Args:
            effects: as ``fit/effects.json`` holds them under ``effects``, or None.
            rows: validated configurations; those run with several seeds tell the noise, from ``LEAST_REPEATS`` on.
        """
        runs = [(np.log(loss), group) for group, row in enumerate(rows) if is_measured(row) for loss in losses_of(row)]
        found = cls.of_effects(effects)
        if found.repeats or not runs:
            return found
        values, groups = zip(*runs, strict=True)
        repeated = RepeatedRuns.of(np.array(values), np.unique(groups, return_inverse=True)[1])
        if repeated.freedom < LEAST_REPEATS or repeated.variance is None:
            return found
        return cls(math.sqrt(repeated.variance), log=True, repeats=repeated.freedom)

    def added(self, loss: float, runs: float, deviations: float) -> float:
        """Returns a mean loss moved by some standard deviations of its own.

        Args:
            loss: mean over runs, in nats.
            runs: how many, 1 or more; infinite for a loss that is known.
            deviations: how far, above 0 for a larger loss.
        """
        moved = deviations * self.std / math.sqrt(runs)
        return loss * math.exp(moved) if self.log else loss + moved

    def no_worse(self, loss: float, runs: float, other: float, other_runs: float) -> bool:
        """Returns whether a mean loss is below another, or above it by no more than noise explains."""
        together = 1 / (1 / runs + 1 / other_runs)
        return loss <= self.added(other, together, Z)


@dataclass(frozen=True)
class Choices:
    """Names of measured configurations; None where no measured one qualifies.

    Args:
        recommended: the smallest whose loss is no worse than the best within the budget.
        as_good: the smallest that is no worse than 16-bit LoRA.
        within_budget: as ``recommended``.
        least: the smallest that is clearly better than an answer which ignores the question.
    """

    recommended: str | None
    as_good: str | None
    within_budget: str | None
    least: str | None


def choices(rows: Sequence[Row], noise: Noise, budget: Mapping[str, float], blind_loss: float | None) -> Choices:
    """Returns who stands on each card.

    Args:
        rows: validated configurations, those without a measurement among them.
        noise: between seeds.
        budget: largest allowed value by metric, in the metric's unit; empty for none.
        blind_loss: of the best answer that ignores the question, in nats; None where it is not known.
    """
    measured = [row for row in rows if is_measured(row)]
    within = [row for row in measured if all(fits(row, name, limit) for name, limit in budget.items())]
    best = min(within, key=loss_of, default=None)
    alike = [row for row in within if best is not None and _no_worse(row, best, noise)]
    full = next((row for row in measured if row["name"] == FULL_PRECISION), None)
    as_good = [row for row in measured if full is not None and _no_worse(row, full, noise)]
    useful = [row for row in measured if blind_loss is not None and high_of(row, noise) < blind_loss]
    recommended = _smallest(alike)
    return Choices(recommended, _smallest(as_good), recommended, _smallest(useful))


def is_measured(row: Row) -> bool:
    """Returns whether loss and peak memory of a configuration are known from real runs."""
    names = (LOSS, PEAK)
    return all((row["measured"].get(name) or {}).get("value") is not None for name in names)


def fits(row: Row, metric: str, limit: float) -> bool:
    """Returns whether the measured mean of a metric is known and within a limit."""
    value = (row["measured"].get(metric) or {}).get("value")
    return value is not None and value <= limit


def losses_of(row: Row) -> Sequence[float]:
    """Returns the held-out loss of each run of a measured configuration, in nats."""
    return [float(loss) for loss in row["measured"][LOSS].get("values", ())]


def loss_of(row: Row) -> float:
    """Returns the mean held-out loss over the runs of a measured configuration, in nats."""
    return float(row["measured"][LOSS]["value"])


def peak_of(row: Row) -> float:
    """Returns the mean peak memory over the runs of a measured configuration, in bytes."""
    return float(row["measured"][PEAK]["value"])


def runs_of(row: Row) -> int:
    """Returns how many runs stand behind the loss of a measured configuration."""
    return int(row["measured"][LOSS]["n"])


def high_of(row: Row, noise: Noise) -> float:
    """Returns the upper end of the 90 % interval of a measured loss by the noise between seeds, in nats."""
    return noise.added(loss_of(row), runs_of(row), Z)


def _no_worse(row: Row, other: Row, noise: Noise) -> bool:
    return noise.no_worse(loss_of(row), runs_of(row), loss_of(other), runs_of(other))


def _smallest(rows: Sequence[Row]) -> str | None:
    smallest = min(rows, key=peak_of, default=None)
    return None if smallest is None else str(smallest["name"])
