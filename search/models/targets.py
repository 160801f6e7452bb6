"""What a Gaussian process is fitted to: losses and violations on scales where one suits them.

Notation:
    n: evaluations, all finite.
    m: objectives.
    t: targets, ``m`` or, when some budget is broken, ``m + 1``.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from search.contract.pareto import non_dominated, reference_point
from search.contract.problem import Evaluation

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Targets:
    """Standardised targets and what goes with them.

    Args:
        values: shape ``(n, t)``: objectives to **maximise**, mean 0 and standard deviation 1, then the constraint,
            met where it is 0 or less.
        reference: reference point of the ``m`` objectives on the same scale, shape ``(m,)``.
        constrained: whether the last column is a constraint.
    """

    values: Floats
    reference: Floats
    constrained: bool


def targets(evaluation: Evaluation) -> Targets:
    """Returns the targets of ``n >= 2`` evaluations.

    An objective that is positive everywhere is taken by its logarithm: bytes and losses spread over decades. The
    reference point lies beyond the nadir of the feasible front, or of all points while none is feasible.
    """
    losses = standardised(logarithms(evaluation.objectives))
    broken = evaluation.violations > 0
    reference = reference_point(losses, evaluation.violations if not broken.all() else None)
    if not broken.any():
        return Targets(-losses, -reference, constrained=False)
    return Targets(np.column_stack([-losses, constraint(evaluation.violations)]), -reference, constrained=True)


def baseline(targets: Targets, most: int) -> NDArray[np.int64]:
    """Returns rows of the feasible front, those that contribute most hypervolume, shape ``(1 .. most,)``.

    While nothing is feasible, the rows nearest to it.
    """
    from moocore import hv_contributions

    m = len(targets.reference)
    losses, broken = -targets.values[:, :m], np.zeros(len(targets.values))
    if targets.constrained:
        broken = np.maximum(targets.values[:, m], 0.0)
    if (broken > 0).all():
        return np.argsort(broken, kind="stable")[:most]
    front = np.flatnonzero(non_dominated(losses, broken))
    contributions = hv_contributions(losses[front], ref=-targets.reference)
    return np.sort(front[np.argsort(-contributions, kind="stable")[:most]])


def logarithms(losses: Floats) -> Floats:
    """Returns the columns of ``(n, m)``, those positive everywhere as logarithms."""
    positive = (losses > 0).all(axis=0)
    return np.where(positive, np.log(np.where(positive, losses, 1.0)), losses)


def standardised(columns: Floats) -> Floats:
    """Returns columns of mean 0 and standard deviation 1, shape ``(n, m)``; a constant column becomes 0."""
    deviation = columns.std(axis=0, ddof=1)
    constant = deviation <= 1e-12 * np.maximum(1.0, np.abs(columns).max(axis=0))
    return np.where(constant, 0.0, (columns - columns.mean(axis=0)) / np.where(constant, 1.0, deviation))


def constraint(violations: Floats) -> Floats:
    """Returns a constraint value of each row, shape ``(n,)``: positive where the budget is broken, else negative.

    Violations are cut off at 0, so how far inside the budget a point lies is not known: each gets the same negative
    value, the median size of the broken ones, which keeps the mean of a fitted process near it from lying at 0.
    """
    broken = violations > 0
    sizes = np.log1p(violations)
    signed = np.where(broken, sizes, -np.median(sizes[broken]))
    return np.asarray(signed / np.abs(signed).max())
