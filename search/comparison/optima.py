"""What the found optima have in common: over seeds, and between the bits and the ranks of their units.

Notation:
    U: units.
    s: seeds.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.comparison.metrics import OverSeeds, Record, array, over_seeds, recommended

Vectors = NDArray[np.int64]


def correlations(runs: Sequence[Record], units: int) -> list[float | None]:
    """Returns Spearman's correlation of bits and ranks over the units of each run's recommended configurations.

    Positive: the same units get both. Negative: units of low bits get high ranks. Averaged over a run's front;
    configurations in which either is the same everywhere have none, and a run of such alone gives None.

    Args:
        runs: records of searches on one task.
        units: number ``U`` of units of the space.
    """
    return [_of_run(run, units) for run in runs]


def bits_with_ranks(bits: Sequence[int], ranks: Sequence[int]) -> float | None:
    """Returns Spearman's correlation of bits and ranks, or of their levels, over units; None where either is constant.

    Args:
        bits: of each unit, shape ``(U,)``.
        ranks: of each unit, shape ``(U,)``.
    """
    from scipy.stats import spearmanr

    if len(set(bits)) < 2 or len(set(ranks)) < 2:
        return None
    return float(spearmanr(bits, ranks).statistic)


def stability(runs: Sequence[Record], most: float) -> tuple[OverSeeds, OverSeeds]:
    """Returns how alike the configurations are that different seeds recommend, and their loss without noise.

    Alike is the share of equal choices with the other seeds' configurations. What a run recommends is the least loss
    that it saw within a memory.

    Args:
        runs: of one contender on one task; the objectives are the loss and a memory.
        most: that memory, in the unit of the second objective.
    """
    found, losses = [], []
    for run in runs:
        seen = array(run["observed"])
        rows = [row for row in recommended(run) if seen[row, 1] <= most]
        if rows:
            best = min(rows, key=lambda row: seen[row, 0])
            found.append(run["vectors"][best])
            losses.append(float(array(run["true"])[best, 0]))
    if len(found) < 2:
        return over_seeds([]), over_seeds(losses)
    vectors = np.asarray(found)
    same = (vectors[:, None] == vectors[None]).mean(axis=2)
    others = (same.sum(axis=1) - 1) / (len(found) - 1)
    return over_seeds(others.tolist()), over_seeds(losses)


def _of_run(run: Record, units: int) -> float | None:
    known = []
    for row in recommended(run):
        vector = np.asarray(run["vectors"][row])
        known.append(bits_with_ranks(vector[1 : 1 + units].tolist(), vector[1 + units :].tolist()))
    defined = [each for each in known if each is not None]
    return float(np.mean(defined)) if defined else None
