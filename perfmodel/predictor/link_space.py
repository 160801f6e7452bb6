"""From link space to the metrics' units, for all metrics at once.

m   metrics;  l of them are modelled as their logarithm and stand first inside
n   rows
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.metrics import METRICS


@final
class Links:
    """How locations and scales of several metrics are read.

    Args:
        metrics: names, shape ``(m,)``.
        logs: whether a metric is modelled as its logarithm, shape ``(m,)``.
        noises: the part of a metric's scale that every row has, None where it is not known, shape ``(m,)``.
        reaches: half width of a metric's interval in standard deviations, shape ``(m,)``.
        rows: where the moments that will be read hold each metric, shape ``(m,)``; in their order where left out.
    """

    def __init__(
        self,
        metrics: Sequence[str],
        logs: Sequence[bool],
        noises: Sequence[float | None],
        reaches: Sequence[float],
        rows: Sequence[int] = (),
    ) -> None:
        self.metrics = tuple(metrics)
        rows = rows or range(len(metrics))
        self._rows = np.array(rows)
        order = sorted(range(len(metrics)), key=lambda index: not logs[index])
        self._places = np.argsort(order)
        self._logs = sum(logs)
        ends = np.zeros((4, len(metrics), 2 * len(metrics)))
        self._lift = np.zeros((4, len(metrics), 1))
        for place, index in enumerate(order):
            location, scale = rows[index], len(metrics) + rows[index]
            ends[:3, place, location] = 1.0
            ends[:, place, scale] = 0.0, -reaches[index], reaches[index], 1.0
            if logs[index]:
                self._lift[0, place] = (noises[index] or 0.0) ** 2 / 2
        self._ends = ends.reshape(4 * len(metrics), -1)
        self._unknown = [place for place, index in enumerate(order[: self._logs]) if noises[index] is None]
        bounds = [METRICS[metrics[index]] for index in order]
        # As many dimensions as what they bound: for one row NumPy then has nothing to broadcast, which costs more.
        self._lower = np.array([[[each.lower] for each in bounds]] * 3)
        self._upper = np.array([[[each.upper] for each in bounds]] * 3)

    def answers(self, moments: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns mean, low, high and standard deviation in the metrics' units and ranges, shape ``(4, m, n)``.

        Args:
            moments: mean and standard deviation in link space, shape ``(2, m, n)``.
        """
        _, metrics, count = moments.shape
        made = (self._ends @ moments.reshape(2 * metrics, count)).reshape(4, metrics, count)
        made += self._lift
        if self._unknown:
            made[0, self._unknown] += made[3, self._unknown] ** 2 / 2
        ends, logs = made[:3], self._logs
        if logs:
            of_logs, std = ends[:, :logs], made[3, :logs]
            np.exp(of_logs, out=of_logs)
            np.expm1(np.square(std), out=std)
            np.sqrt(std, out=std)
            std *= made[0, :logs]
        np.maximum(ends, self._lower, out=ends)
        np.minimum(ends, self._upper, out=ends)
        return made.take(self._places, axis=1)
