"""A predictor as a problem, and a problem as pymoo knows it.

A BoTorch model is in ``perfmodel.predictor.botorch_model``. ConfigSpace and Optuna need the space only
(``perfmodel.space.exports``): their proposals come back through ``from_values`` and ``from_indices`` and are predicted
as any configuration.

Notation:
    n: configurations.
    m: objectives.
    c: constraints, each met where it is 0 or less.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfmodel.predictor.predictor import Predictor
from perfmodel.space.exports import to_pymoo
from search.contract.problem import AbstractProblem, SurrogateProblem

if TYPE_CHECKING:
    from pymoo.core.problem import Problem

Floats = NDArray[np.float64]


def predictor_problem(
    predictor: Predictor, objectives: Sequence[str], budget: Mapping[str, float] | None = None
) -> SurrogateProblem:
    """Returns the problem of a predictor's means over its own space.

    Args:
        predictor: fitted.
        objectives: names of the metrics to trade off.
        budget: limit of each budgeted metric, in its unit.

    Raises:
        UnknownNameError: when it does not predict an objective or a budgeted metric.
        InfeasibleBudgetError: when a limit is not above 0.
    """
    space = predictor.record.space
    return SurrogateProblem(space, objectives, predictor.predict_mean, metrics=predictor.metrics, budget=budget)


def pymoo_problem(problem: AbstractProblem) -> "Problem":
    """Returns a vectorised integer problem: minimised objectives, and what breaks the budget as a constraint.

    Where every rank may be 0 there is a second constraint, since a configuration needs an adapter somewhere.

    Args:
        problem: ours; it has to answer for configurations without an adapter too, as performance models do.

    Raises:
        MissingExtraError: when pymoo is not installed.
    """
    space = problem.space
    bare_is_legal = space.ranks[0] > 0

    def evaluate(vectors: NDArray[np.int64]) -> tuple[Floats, Floats]:
        evaluation = problem.evaluate_vectors(vectors)
        constraints = [evaluation.violations] if problem.budget else []
        if not bare_is_legal:
            constraints.append((vectors[:, 1 + space.units :] == 0).all(axis=1).astype(np.float64))
        stacked = np.stack(constraints, axis=1) if constraints else np.empty((len(vectors), 0))
        return evaluation.objectives, stacked

    count = int(bool(problem.budget)) + int(not bare_is_legal)
    return to_pymoo(space, evaluate, objectives=len(problem.objectives), constraints=count)
