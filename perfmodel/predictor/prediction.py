"""What a predictor answers: arrays first, a data frame where one is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.metrics import Metric
from perfmodel.space.metrics import metric as metric_named
from perfmodel.surrogates.contract import Posterior

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Prediction:
    """Predictions of n configurations, m metrics, in the metrics' units and held to their physical ranges.

    Args:
        metrics: names, shape ``(m,)``.
        mean: of one new run, in the metrics' units, shape ``(n, m)``.
        std: of one new run, shape ``(n, m)``.
        low: lower end of the interval of one new run, shape ``(n, m)``.
        high: upper end, shape ``(n, m)``.
        outside_domain: whether a configuration is unlike those trained on, shape ``(n,)``.
    """

    metrics: tuple[str, ...]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    outside_domain: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        metrics: Sequence[str | Metric],
        posteriors: Sequence[Posterior],
        outside_domain: NDArray[np.bool_],
        half_widths: Sequence[float],
    ) -> "Prediction":
        """Returns the prediction of one posterior a metric.

        Args:
            metrics: names of the m metrics, or metrics that the caller declares.
            posteriors: one for each metric, each of n rows.
            outside_domain: whether each configuration is unlike those trained on, shape ``(n,)``.
            half_widths: of each metric's interval, in standard deviations, shape ``(m,)``.
        """
        pairs = zip(posteriors, half_widths, strict=True)
        rows = [(each.mean, *each.within(half_width), each.std) for each, half_width in pairs]
        answers = np.array(rows)
        lower, upper = _bounds(tuple(metrics))
        held = np.minimum(np.maximum(answers[:, :3], lower), upper).T
        return cls(
            tuple(metric_named(each).name for each in metrics),
            held[:, 0],
            answers[:, 3].T,
            held[:, 1],
            held[:, 2],
            outside_domain,
        )

    @classmethod
    def joined(cls, parts: Sequence["Prediction"]) -> "Prediction":
        """Returns the predictions of consecutive rows as one.

        Args:
            parts: one or more, of the same metrics.
        """
        if len(parts) == 1:
            return parts[0]
        names = ("mean", "std", "low", "high", "outside_domain")
        return cls(parts[0].metrics, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def __len__(self) -> int:
        """Returns the number of configurations."""
        return len(self.outside_domain)

    def table(self) -> "pd.DataFrame":
        """Returns one row a configuration; columns are ``<metric>``, ``_std``, ``_low``, ``_high``, then the flag."""
        import pandas as pd

        columns: dict[str, NDArray[Any]] = {}
        for index, metric in enumerate(self.metrics):
            for end, values in (("", self.mean), ("_std", self.std), ("_low", self.low), ("_high", self.high)):
                columns[metric + end] = values[:, index]
        return pd.DataFrame({**columns, "outside_domain": self.outside_domain})


@lru_cache
def _bounds(metrics: tuple[str | Metric, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the ends of the metrics' physical ranges, each of shape ``(m, 1, 1)``."""
    lower, upper = ([[[getattr(metric_named(name), end)]] for name in metrics] for end in ("lower", "upper"))
    return np.array(lower, dtype=np.float64), np.array(upper, dtype=np.float64)
