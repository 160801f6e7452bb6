"""Fronts and hypervolumes of what was evaluated, by moocore; everything is minimised.

Notation:
    n: evaluations, in the order they were made.
    m: objectives.

Infeasible rows (violation above 0) and failed ones (not finite) never count.

Source: moocore, López-Ibáñez and Fonseca, for dominance and for the exact hypervolume.
"""

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError

Floats = NDArray[np.float64]


def usable(objectives: Floats, violations: Floats | None = None) -> NDArray[np.bool_]:
    """Returns which rows of ``(n, m)`` are measured and within the budget, shape ``(n,)``."""
    finite = np.asarray(np.isfinite(objectives).all(axis=1))
    return finite if violations is None else np.logical_and(finite, violations == 0)


def non_dominated(objectives: Floats, violations: Floats | None = None) -> NDArray[np.bool_]:
    """Returns which rows no usable row dominates, shape ``(n,)``; of equal rows the first counts.

    Args:
        objectives: losses, shape ``(n, m)``.
        violations: shape ``(n,)``; all feasible when left out.
    """
    from moocore import is_nondominated

    mask = usable(objectives, violations)
    if mask.any():
        mask[mask] = is_nondominated(np.ascontiguousarray(objectives[mask]))
    return mask


def reference_point(objectives: Floats, violations: Floats | None = None, margin: float = 0.1) -> Floats:
    """Returns the nadir of the front plus a share of the front's extent, shape ``(m,)``.

    Where an objective is the same all along the front, a share of its size (or of 1) stands in for the extent.
    To compare searchers, give the pooled evaluations of all of them and use one point for each.

    Args:
        objectives: losses, shape ``(n, m)``.
        violations: shape ``(n,)``; all feasible when left out.
        margin: share beyond the nadir, so that the front's ends count.

    Raises:
        UserError: when no row is usable.

    Source: Ishibuchi et al. 2018 for a point slightly beyond the nadir; 0.1 as BoTorch's ``infer_reference_point``.
    """
    front = objectives[non_dominated(objectives, violations)]
    if len(front) == 0:
        raise UserError("no feasible evaluation", "one or more", "relax the budget or evaluate more")
    nadir = front.max(axis=0)
    extent = nadir - front.min(axis=0)
    size = np.where(nadir == 0, 1.0, np.abs(nadir))
    return np.asarray(nadir + margin * np.where(extent > 0, extent, size))


def hypervolume(objectives: Floats, reference: Floats, violations: Floats | None = None) -> float:
    """Returns the volume that usable rows dominate below the reference point; 0.0 where none does.

    Args:
        objectives: losses, shape ``(n, m)``.
        reference: losses beyond which nothing counts, shape ``(m,)``.
        violations: shape ``(n,)``; all feasible when left out.
    """
    from moocore import hypervolume as volume

    front = objectives[usable(objectives, violations)]
    front = front[(front < reference).all(axis=1)]
    if front.shape[1] == 1:
        return float(reference[0] - front.min()) if len(front) else 0.0
    return float(volume(np.ascontiguousarray(front), ref=reference)) if len(front) else 0.0


def running_hypervolume(objectives: Floats, reference: Floats, violations: Floats | None = None) -> Floats:
    """Returns the hypervolume after each evaluation, shape ``(n,)``, never falling.

    Args:
        objectives: losses in the order of evaluation, shape ``(n, m)``.
        reference: losses beyond which nothing counts, shape ``(m,)``.
        violations: shape ``(n,)``; all feasible when left out.
    """
    counts = usable(objectives, violations) & (objectives < reference).all(axis=1)
    front = np.empty((0, objectives.shape[1]))
    volumes, volume = np.zeros(len(objectives)), 0.0
    for row, losses in enumerate(objectives):
        if counts[row] and not (front <= losses).all(axis=1).any():
            front = np.concatenate([front[~(front >= losses).all(axis=1)], losses[None]])
            volume = hypervolume(front, reference)
        volumes[row] = volume
    return volumes


def spread(front: Floats, k: int, axis: int) -> NDArray[np.int64]:
    """Returns the rows of ``k`` points well spread along one objective, in its rising order, shape ``(<= k,)``.

    Both ends first, then always the point farthest from those chosen. Points equal on the axis count once.

    Args:
        front: losses, shape ``(n, m)``.
        k: number of points, 1 or more; 1 gives the one nearest to the middle.
        axis: column to spread along, the memory for validation.
    """
    values, rows = np.unique(front[:, axis], return_index=True)
    if len(values) == 0 or k >= len(values):
        return rows.astype(np.int64)
    if k == 1:
        return rows[[np.abs(values - (values[0] + values[-1]) / 2).argmin()]].astype(np.int64)
    chosen = [0, len(values) - 1]
    while len(chosen) < k:
        chosen.append(int(np.abs(values[:, None] - values[chosen]).min(axis=1).argmax()))
    return rows[sorted(chosen)].astype(np.int64)
