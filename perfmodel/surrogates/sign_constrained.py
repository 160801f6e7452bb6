"""Penalised least squares whose coefficients keep to known signs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def sign_constrained_coefficients(
    columns: NDArray[np.float64],
    target: NDArray[np.float64],
    penalties: NDArray[np.float64],
    signs: Sequence[int] | NDArray[np.int64],
) -> NDArray[np.float64]:
    """Returns the coefficients with the least penalised squared error among those of the right signs, shape ``(p,)``.

    Free coefficients enter as the difference of two that are not negative.

    Args:
        columns: of the regression, any unit, shape ``(n, p)``.
        target: that they explain, shape ``(n,)``.
        penalties: of the squared coefficients, positive, shape ``(p,)``.
        signs: that the coefficients must have: 1, -1 or 0 (any), shape ``(p,)``.

    Source: Lawson and Hanson (1974), Solving Least Squares Problems, chapter 23.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    signs = np.asarray(signs)
    upper = np.linalg.cholesky(columns.T @ columns + np.diag(penalties)).T
    reduced = solve_triangular(upper, columns.T @ target, trans="T")
    free = np.flatnonzero(signs == 0)
    turned = upper * np.where(signs == 0, 1, signs)
    found, _ = nnls(np.hstack((turned, -upper[:, free])), reduced, maxiter=30 * (len(signs) + len(free)))
    coefficients = found[: len(signs)] * np.where(signs == 0, 1, signs)
    coefficients[free] -= found[len(signs) :]
    return np.asarray(coefficients, dtype=np.float64)
