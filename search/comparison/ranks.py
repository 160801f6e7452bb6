"""Who ranks before whom over all tasks and seeds, and by how much ranks must differ to mean it.

Notation:
    k: contenders.
    b: blocks, each a task with a seed, on which every contender was run.

Source: Friedman 1937; Nemenyi 1963; Demšar 2006 for the comparison of methods. Seeds of one task are no independent
tasks: with few tasks the test says how sure the order is on these, not on others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LEVEL: Final = 0.05


def ranks(regrets: Mapping[str, Sequence[float]]) -> dict[str, Any] | None:
    """Returns mean ranks, Friedman's p-value and Nemenyi's critical difference; None below 3 contenders or 2 blocks.

    Args:
        regrets: of each contender in the same ``b`` blocks; less is better.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    table: NDArray[np.float64] = np.asarray(list(regrets.values()), dtype=np.float64).T
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 3:
        return None
    b, k = table.shape
    placed = rankdata(table, axis=1)
    tied = bool((table == table[:, :1]).all())
    p_value = 1.0 if tied else float(friedmanchisquare(*table.T).pvalue)
    # Nemenyi's q is the studentised range for infinitely many degrees of freedom, over the square root of 2.
    quantile = float(studentized_range.ppf(1 - _LEVEL, k, np.inf)) / np.sqrt(2)
    return {
        "ranks": dict(zip(regrets, placed.mean(axis=0).tolist(), strict=True)),
        "p_value": p_value,
        "critical_difference": float(quantile * np.sqrt(k * (k + 1) / (6 * b))),
        "blocks": b,
    }
