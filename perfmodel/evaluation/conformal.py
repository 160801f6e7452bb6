"""Intervals that hold as often as they say: a posterior's spread, stretched by what it got wrong elsewhere.

    n   calibration rows, predicted by a model that did not see their configuration
    K   their configurations
    s   conformity score of a row: |z - location| / scale, in link space

Traces of one configuration are no independent evidence, so each configuration weighs 1 / (K + 1) whatever the number
of its traces, and what is left, 1 / (K + 1), stands for the new configuration, of which nothing is known.

Source: Lei et al. (2018), JASA 113:1094 (split conformal, scaled residuals); Lee, Barber, Willett (2023),
arXiv:2306.06342 (groups).
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.statistics.conformal_quantile import conformal_quantile
from perfmodel.surrogates.contract import Posterior


@final
@dataclass(frozen=True)
class Conformal:
    """How many standard deviations a posterior's interval must be wide on either side, for every level.

    Args:
        scores: the s of the calibration rows, rising, shape ``(n,)``.
        weights: of the rows, together K / (K + 1), shape ``(n,)``.
    """

    scores: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def calibrate(cls, posterior: Posterior, observed: NDArray[np.float64], groups: NDArray[Any]) -> "Conformal":
        """Returns the calibration by n rows that the model had not seen.

        Args:
            posterior: of the n rows, by a model that had not seen their configurations.
            observed: measured values in the metric's unit, shape ``(n,)``.
            groups: configuration of each row, shape ``(n,)``.

        Raises:
            NotEnoughTracesError: when there are no rows.
        """
        if not len(observed):
            raise NotEnoughTracesError(
                "no traces to calibrate intervals by", "one or more are needed", "collect more traces"
            )
        link = np.log(observed) if posterior.log else np.asarray(observed, dtype=np.float64)
        # A model that saw one value alone claims to know it; beside another value it is as unsure as the values differ.
        spread = float(np.ptp(link)) or 1.0
        scores = np.abs(link - posterior.location) / np.where(posterior.scale > 0, posterior.scale, spread)
        _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
        order = np.argsort(scores, kind="stable")
        return cls(scores[order], (1 / counts[inverse] / (len(counts) + 1))[order])

    def half_width(self, level: float) -> float:
        """Returns the half width of an interval in standard deviations.

        With so few configurations that no finite width could promise the level (8 or fewer for 90 %), the largest
        score is given; the interval then holds K / (K + 1) of new configurations at least.

        Args:
            level: share of new measurements that the interval should hold, in (0, 1).
        """
        return conformal_quantile(self.scores, level, self.weights)
