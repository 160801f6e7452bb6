"""Bounds of the additive program without solving it, and what they leave to be solved.

Notation:
    U: units.
    P: choices of each unit.

With a price lambda of a byte, every unit chooses by itself, and what they all choose costs no more than the optimum:

    L = sum_u min_p (c[u, p] + lambda b[u, p]) - lambda limit <= optimum <= cost of any solution that fits.

So no optimum holds a choice whose priced cost exceeds its unit's least by more than the gap between the two.

Source: Lagrangian relaxation and reduction of the multiple-choice knapsack, Sinha, Zoltners 1979; Pisinger 1995.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HALVINGS: Final = 60
# Sums in another order differ by their rounding, and a choice must not be lost to it.
_ROUNDING: Final = 1e-9


def lower_bound(costs: Floats, sizes: Floats, limit: float) -> float:
    """Returns a cost that no solution within the limit goes below, infinite where none fits.

    Args:
        costs: shape ``(U, P)``, infinite where a choice is excluded.
        sizes: bytes, shape ``(U, P)``.
        limit: most bytes of all units together.
    """
    if np.where(np.isfinite(costs), sizes, np.inf).min(axis=1).sum() > limit:
        return float("inf")
    price = _price(costs, sizes, limit)
    return float((costs + price * sizes).min(axis=1).sum() - price * limit)


def worth_solving(
    costs: Floats, sizes: Floats, limit: float, adapted: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int64] | None]:
    """Returns which choices an optimum may hold, shape ``(U, P)``, and a good solution, ``(U,)``, if one is known.

    Every optimum is among the choices.

    Args:
        costs: shape ``(U, P)``, infinite where a choice is excluded; some solution fits.
        sizes: bytes, shape ``(U, P)``.
        limit: most bytes of all units together.
        adapted: choices that hold an adapter, shape ``(P,)``; at least one unit takes one of them.
    """
    allowed, rows = np.isfinite(costs), np.arange(len(costs))
    price = _price(costs, sizes, limit)
    priced = costs + price * sizes
    least = priced.min(axis=1)
    chosen = _filled(costs, sizes, limit, priced.argmin(axis=1))
    if not adapted[chosen].any():
        return allowed, None
    gap = costs[rows, chosen].sum() - (least.sum() - price * limit)
    slack = _ROUNDING * (np.abs(costs[allowed]).max() + price * sizes.max()) * len(costs)
    return np.asarray(allowed & (priced - least[:, None] <= gap + slack)), chosen


def _price(costs: Floats, sizes: Floats, limit: float) -> float:
    """Returns nearly the least price at which what the units choose by themselves fits."""
    rows = np.arange(len(costs))

    def fits(price: float) -> bool:
        return bool(sizes[rows, (costs + price * sizes).argmin(axis=1)].sum() <= limit)

    finite = costs[np.isfinite(costs)]
    low, high = 0.0, float(np.ptp(finite)) / max(float(np.ptp(sizes)), 1e-300)
    if fits(0.0):
        return 0.0
    while not fits(high):
        low, high = high, 2 * high + 1e-300
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _filled(costs: Floats, sizes: Floats, limit: float, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns a solution that fits after the changes of single units that save most and still fit, shape ``(U,)``."""
    rows, chosen = np.arange(len(costs)), chosen.copy()
    while True:
        left = limit - sizes[rows, chosen].sum()
        saved = costs[rows, chosen][:, None] - costs
        saved[sizes - sizes[rows, chosen][:, None] > left] = 0.0
        unit, choice = np.unravel_index(saved.argmax(), saved.shape)
        if saved[unit, choice] <= 0:
            return chosen
        chosen[unit] = choice
