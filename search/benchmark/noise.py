"""The noise of a change of seed, as repeated runs measured it, drawn anew for any configuration.

Notation:
    n: configurations.
    c: columns, each a metric at a share of the full training.
    z: a column's logarithm where the metric is modelled so, else the value itself.

A searcher that saw a smooth model would exploit its smoothness; with this it meets what a real trial would show.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.space.metrics import metric
from perfmodel.statistics.seed_noise import pooled_covariance
from perfmodel.traces.trace import Trace
from search.benchmark.truncated_traces import cut_short

Floats = NDArray[np.float64]
Column = tuple[str, float]


@final
class MeasuredNoise:
    """Normal noise of z with the covariance that runs of one configuration showed.

    A training that got an unlucky seed is unlucky at every share of its steps: the columns are drawn together.

    Args:
        columns: ``c`` metrics and shares.
        covariance: of z, shape ``(c, c)``.
        degrees: runs beyond the first of each configuration: how well the covariance is known.
    """

    def __init__(self, columns: Sequence[Column], covariance: Floats, degrees: int) -> None:
        self.columns = tuple(columns)
        self.covariance = covariance
        self.degrees = degrees
        values, vectors = np.linalg.eigh(covariance)
        self._root = vectors * np.sqrt(np.maximum(values, 0.0))

    @classmethod
    def from_traces(cls, traces: Sequence[Trace], columns: Sequence[Column]) -> "MeasuredNoise":
        """Returns the noise pooled over all configurations that were run with several seeds.

        Args:
            traces: measured, all of one setting.
            columns: ``c`` metrics and shares that were measured.

        Raises:
            NotEnoughTracesError: when no configuration was run twice.
            UserError: when a learning curve lacks a share.
        """
        number: dict[str, int] = {}
        rows, group = [], []
        for trace in traces:
            found = [getattr(cut_short(trace, share).measured, name) for name, share in columns] if trace.ok else [None]
            row = [float(value) for value in found if value is not None]
            if len(row) == len(columns):
                rows.append(row)
                group.append(number.setdefault(trace.asked.configuration.identifier, len(number)))
        logs = [metric(name).log_target for name, _ in columns]
        values = np.reshape(np.asarray(rows, dtype=np.float64), (len(rows), len(columns)))
        z = np.where(logs, np.log(np.where(logs, values, 1.0)), values)
        covariance, degrees = pooled_covariance(z, np.asarray(group, dtype=np.int64))
        if degrees == 0:
            raise NotEnoughTracesError(
                "no configuration was run with two seeds",
                "the noise of a seed is measured by repeating some",
                "collect repeats, or ask without noise",
            )
        return cls(columns, covariance, degrees)

    def added(self, means: Floats, vectors: NDArray[np.int64], columns: Sequence[Column], seed: int) -> Floats:
        """Returns one noisy run of each configuration, shape ``(n, k)``, whose expectation is its mean.

        The same seed and configuration give the same noise, whatever else is asked.

        Args:
            means: shape ``(n, k)``, in the metrics' units.
            vectors: index vectors, shape ``(n, d)``.
            columns: ``k`` of the noise's columns, those of ``means``.
            seed: of the run, 0 or more; the same seed gives the same answer.
        """
        chosen = [self.columns.index(column) for column in columns]
        normal = np.asarray([np.random.default_rng([seed, *row]).standard_normal(len(self.columns)) for row in vectors])
        noise = (normal.reshape(len(vectors), -1) @ self._root.T)[:, chosen]
        noisy = np.empty_like(means)
        for column, (name, _) in enumerate(columns):
            known = metric(name)
            shift = noise[:, column]
            if known.log_target:
                half = self.covariance[chosen[column], chosen[column]] / 2
                values = means[:, column] * np.exp(shift - half)
            else:
                values = means[:, column] + shift
            noisy[:, column] = np.clip(values, known.lower, known.upper)
        return noisy
