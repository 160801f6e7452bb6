"""Prior variances of blocks of coefficients, by the greatest marginal likelihood.

    g   configurations
    p   functions;  X their values, shape (g, p), centred;  y the targets, centred
    z = X w + noise,  w_j ~ N(0, v_block(j)),  noise ~ N(0, s)

With A = X'X / s + diag(1 / v) and mean m = A^-1 X'y / s, the derivative of the log evidence by log v_j is
-(1 - (A^-1)_jj / v_j - m_j^2 / v_j) / 2, and by log s it is -(g - sum_j (1 - (A^-1)_jj / v_j) - |y - Xm|^2 / s) / 2.
The cost is that of p^3 and does not grow with g. Source: MacKay (1992), Neural Computation 4:415.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_SPREAD = 1.5
"""Standard deviation of the logarithms of all variances about what they start from: weak, but no variance is lost."""

NOISE_STARTS = (0.3, 0.01)
"""Of the targets' variance."""

ITERATIONS = 60


@dataclass(frozen=True)
class Evidence:
    """The optimum.

    Args:
        log_evidence: with the prior of the variances, up to a constant.
        variances: v of each function, shape ``(p,)``.
        noise: s.
    """

    log_evidence: float
    variances: NDArray[np.float64]
    noise: float


def maximise_evidence(
    columns: NDArray[np.float64], target: NDArray[np.float64], block: NDArray[np.int64], least_noise: float
) -> Evidence:
    """Returns the variances of the best of several starts; the same data give the same numbers.

    Args:
        columns: X, shape ``(g, p)``.
        target: y, shape ``(g,)``.
        block: of each function, shape ``(p,)``.
        least_noise: s is not taken below it.
    """
    from scipy.optimize import minimize

    size = float(np.mean(target**2)) or 1.0
    names, member = np.unique(block, return_inverse=True)
    power = np.array([float(np.mean(columns[:, member == i] ** 2)) for i in range(len(names))])
    counts = np.bincount(member, minlength=len(names))
    usual = np.log(1.0 / (len(names) * counts * np.maximum(power, 1e-300)))
    floor = np.log(min(1.0, max(least_noise / size, 1e-6)))
    problem = _Problem(columns, target / np.sqrt(size), member, usual)
    best: tuple[float, NDArray[np.float64]] | None = None
    for start in NOISE_STARTS:
        first = np.append(usual, max(np.log(start), floor))
        limits = [(low - 12, low + 12) for low in usual] + [(floor, 1.0)]
        found = minimize(
            problem.loss, first, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": ITERATIONS}
        )
        if best is None or found.fun < best[0]:
            best = float(found.fun), np.asarray(found.x)
    assert best is not None  # there is a start
    return Evidence(-best[0], size * np.exp(best[1][:-1])[member], float(size * np.exp(best[1][-1])))


class _Problem:
    """The negative log evidence and its gradient; X'X is made once."""

    def __init__(
        self,
        columns: NDArray[np.float64],
        target: NDArray[np.float64],
        member: NDArray[np.int64],
        usual: NDArray[np.float64],
    ) -> None:
        self._gram, self._moment = columns.T @ columns, columns.T @ target
        self._power, self._rows = float(target @ target), len(target)
        self._member, self._usual = member, usual

    def loss(self, theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        from scipy.linalg import cho_factor, cho_solve, lapack

        roots, noise = np.exp(theta[:-1][self._member] / 2), float(np.exp(theta[-1]))
        inner = self._gram * (roots[:, None] * roots / noise)
        inner[np.diag_indices_from(inner)] += 1.0
        factor, lower = cho_factor(inner, lower=True)
        scaled = cho_solve((factor, lower), roots * self._moment / noise)
        inverse, _ = lapack.dpotri(factor, lower=1)
        kept = np.diag(inverse)
        mean = roots * scaled
        residual = self._power - 2 * mean @ self._moment + mean @ (self._gram @ mean)
        away = (theta[:-1] - self._usual) / PRIOR_SPREAD
        value = self._rows * theta[-1] + 2 * np.log(np.diag(factor)).sum()
        value += (self._power - mean @ self._moment) / noise
        by_function = 1 - kept - scaled**2
        gradient = np.bincount(self._member, by_function, minlength=len(self._usual)) / 2 + away / PRIOR_SPREAD
        by_noise = (self._rows - (1 - kept).sum() - residual / noise) / 2
        return float(value / 2 + (away**2).sum() / 2), np.append(gradient, by_noise)
