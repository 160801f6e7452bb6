"""The quantile of split-conformal prediction: what a new score stays below with a promised probability."""

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9
"""Sums of thirds and the like fall short of the level by rounding."""


def conformal_quantile(scores: NDArray[np.float64], level: float, weights: NDArray[np.float64] | None = None) -> float:
    """Returns the score that a new one stays below, or equal to, with probability ``level`` at least.

    Where so few scores are there that none can promise the level, the largest is returned.

    Args:
        scores: n exchangeable scores, shape ``(n,)``, in any order, n 1 or more.
        level: probability, in (0, 1).
        weights: probability that each score has the place of the new one, shape ``(n,)``, together below 1: the rest
            is the new one's own. Without them 1 / (n + 1) each.

    Source: Lei et al. (2018), JASA 113:1094, equation 3.
    """
    order = np.argsort(scores, kind="stable")
    each = np.full(len(scores), 1 / (len(scores) + 1)) if weights is None else weights[order]
    place = int(np.searchsorted(np.cumsum(each), level - _ROUNDING))
    return float(scores[order[min(place, len(order) - 1)]])
