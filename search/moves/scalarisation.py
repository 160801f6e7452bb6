"""Several objectives as one number to minimise.

Notation:
    n: results.
    m: objectives.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.contract.problem import Evaluation

Floats = NDArray[np.float64]

_AUGMENTED: Final = 0.05


def normalised(losses: Floats) -> Floats:
    """Returns the losses with each column over [0, 1], shape ``(n, m)``; a constant column becomes 0."""
    low, extent = losses.min(axis=0), np.ptp(losses, axis=0)
    return np.asarray((losses - low) / np.where(extent > 0, extent, 1.0))


def tchebycheff(evaluation: Evaluation, weights: Floats) -> Floats:
    """Returns the augmented Tchebycheff value of each row, shape ``(n,)``; what breaks the budget lies above the rest.

    Args:
        evaluation: of ``n >= 1`` results: losses ``(n, m)`` and violations ``(n,)``.
        weights: shape ``(m,)``, 0 or more, summing to 1.

    Source: ParEGO, Knowles 2006, equation 2, with rho = 0.05.
    """
    weighted = weights * normalised(evaluation.objectives)
    return above_the_rest(weighted.max(axis=1) + _AUGMENTED * weighted.sum(axis=1), evaluation.violations)


def weighted_sum(evaluation: Evaluation, weights: Floats) -> Floats:
    """Returns the weighted sum of the normalised losses, shape ``(n,)``; what breaks the budget lies above the rest.

    Args:
        evaluation: of ``n >= 1`` results: losses ``(n, m)`` and violations ``(n,)``.
        weights: shape ``(m,)``, 0 or more, summing to 1.
    """
    return above_the_rest(normalised(evaluation.objectives) @ weights, evaluation.violations)


def above_the_rest(values: Floats, violations: Floats) -> Floats:
    """Returns the values, those that break the budget raised above all others by how far, shape ``(n,)``."""
    broken = violations > 0
    worst = values.max() + np.log1p(violations)
    return np.where(broken, worst, values)
