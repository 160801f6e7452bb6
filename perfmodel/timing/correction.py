"""A correction of the closed form's seconds, learned from traces of the same device: a factor for each of its parts.

    P   parts of n traces' steps, seconds, shape (n, 4)     s   measured seconds of those steps, shape (n,)
    f   factors, shape (4,), 0 or more

The factors make (P f - s) / s least in squares, drawn towards 1 by a ridge. They are judged on settings that were left
out, and dropped where they do not beat factors of 1 there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError

PARTS = ("products", "dequantization", "moving", "overhead")
"""Parts of ``perfmodel.timing.step_time.StepTime``, in the order of columns."""

RIDGE = 0.1
"""What a factor off by 1 costs: as much as ten traces whose seconds are off by 10 %."""

LEAST_TRACES = 20
LEAST_SETTINGS = 2

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TimeCorrection:
    """What a device's traces say about the closed form.

    Args:
        products: factor of the seconds in matrix products, 0 or more.
        dequantization: factor of the seconds in bringing weights back, 0 or more.
        moving: factor of the seconds in operations bound by memory, 0 or more.
        overhead: factor of the seconds in starting operations, 0 or more.
        traces: number of traces it was learned from.
        error: mean absolute relative error on settings that were left out.
        closed_form_error: that of the closed form on the same traces.
    """

    products: float
    dequantization: float
    moving: float
    overhead: float
    traces: int
    error: float
    closed_form_error: float

    def __post_init__(self) -> None:
        """Refuses factors below 0."""
        if not all(0 <= getattr(self, name) < math.inf for name in PARTS):
            raise InvalidConfigurationError(
                "a correction of seconds below 0", "factors are 0 or more", "run bench calibrate again"
            )


def held_out_errors(parts: Array, seconds: Array, settings: Sequence[str]) -> tuple[Array, Array]:
    """Returns the relative errors of the closed form and of the correction, the latter by leaving settings out.

    Args:
        parts: seconds of each part, shape ``(n, 4)``.
        seconds: measured seconds of the steps, shape ``(n,)``, above 0.
        settings: that each was measured under, shape ``(n,)``; two different ones at least.

    Returns:
        Predicted over measured less 1, shape ``(n,)`` each.
    """
    groups = np.asarray(settings)
    corrected = np.empty(len(seconds))
    for group in np.unique(groups):
        out = groups == group
        corrected[out] = parts[out] @ _factors(parts[~out], seconds[~out]) / seconds[out] - 1
    return parts.sum(axis=1) / seconds - 1, corrected


def learned_correction(parts: Array, seconds: Array, settings: Sequence[str]) -> TimeCorrection | None:
    """Returns the correction, None where it does not beat the closed form on settings that were left out.

    It is None too with fewer than ``LEAST_TRACES`` traces or ``LEAST_SETTINGS`` settings, which cannot judge it.

    Args:
        parts: seconds of each part of the steps, shape ``(n, 4)``, ``PARTS`` in order.
        seconds: measured seconds of the steps, shape ``(n,)``, above 0.
        settings: that each was measured under, shape ``(n,)``.
    """
    if len(seconds) < LEAST_TRACES or len(set(settings)) < LEAST_SETTINGS:
        return None
    closed, corrected = (float(np.abs(each).mean()) for each in held_out_errors(parts, seconds, settings))
    if corrected >= closed:
        return None
    products, dequantization, moving, overhead = _factors(parts, seconds).tolist()
    return TimeCorrection(products, dequantization, moving, overhead, len(seconds), corrected, closed)


def _factors(parts: Array, seconds: Array) -> Array:
    """Returns the factors of 0 or more that fit relative errors best, shape ``(4,)``."""
    from scipy.optimize import nnls

    pull = math.sqrt(RIDGE)
    rows = np.vstack([parts / seconds[:, None], pull * np.eye(len(PARTS))])
    wanted = np.concatenate([np.ones(len(seconds)), np.full(len(PARTS), pull)])
    factors, _ = nnls(rows, wanted)
    return np.asarray(factors, dtype=np.float64)
