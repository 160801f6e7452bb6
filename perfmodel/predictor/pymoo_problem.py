"""A fitted predictor as a pymoo problem, for pymoo's own algorithms.

A BoTorch model is in ``perfmodel.predictor.botorch_model``. ConfigSpace and Optuna need the space only
(``perfmodel.space.exports``): their proposals come back through ``from_values`` and ``from_indices`` and are predicted
as any configuration.

Notation:
    n: configurations.
    d: dimensions of the space, ``1 + 2 * units``.
    m: objectives, all minimised.
    c: constraints, each met where it is 0 or less.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InfeasibleBudgetError, UnknownNameError
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.exports import to_pymoo
from perfmodel.space.metrics import metric

if TYPE_CHECKING:
    from pymoo.core.problem import Problem

Floats = NDArray[np.float64]


def pymoo_problem(
    predictor: Predictor, objectives: Sequence[str], budget: Mapping[str, float] = MappingProxyType({})
) -> "Problem":
    """Returns a vectorised problem over the index vectors of the predictor's space.

    Objectives are the predicted means, negated where more is better. Constraints are how far each budgeted metric
    exceeds its limit, as a share of the limit. Where the space holds rank 0 there is one more: a configuration needs
    an adapter in some unit.

    Args:
        predictor: fitted, of one or more metrics.
        objectives: names of the ``m`` metrics to trade off.
        budget: limit of each budgeted metric, in its unit, above 0: the most of a metric to minimise, else the least.

    Raises:
        UnknownNameError: when the predictor does not predict an objective or a budgeted metric.
        InfeasibleBudgetError: when a limit is not above 0.
        MissingExtraError: when pymoo is not installed.
    """
    space, names = predictor.record.space, (*objectives, *budget)
    for name in names:
        if name not in predictor.metrics:
            raise UnknownNameError(
                f"{name!r} is not predicted", f"predicted are {', '.join(predictor.metrics)}", "choose among these"
            )
    limits = np.asarray(list(budget.values()))
    if not (limits > 0).all():
        raise InfeasibleBudgetError(f"a budget of {dict(budget)}", "limits are above 0", "raise the limit")
    columns = [predictor.metrics.index(name) for name in names]
    signs = np.asarray([metric(name).to_loss(1.0) for name in names])
    needs_adapter = space.ranks[0] == 0
    m = len(objectives)

    def evaluate(vectors: NDArray[np.int64]) -> tuple[Floats, Floats]:
        losses = predictor.predict_mean(vectors)[:, columns] * signs
        constraints = losses[:, m:] / limits - signs[m:]
        if needs_adapter:
            bare = (vectors[:, 1 + space.units :] == 0).all(axis=1)
            constraints = np.column_stack([constraints, bare])
        return losses[:, :m], constraints

    return to_pymoo(space, evaluate, objectives=m, constraints=len(limits) + int(needs_adapter))
