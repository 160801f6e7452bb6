"""Runs the suite's searchers on a predictor and joins what they found into one front."""

from typing import Any

import numpy as np

from perfmodel.predictor.predictor import Predictor
from reports.run.progress import bar
from reports.run.suite import Suite
from search.contract.budget_check import require_feasible
from search.contract.knowledge import Knowledge
from search.contract.loop import History, run
from search.contract.pareto import non_dominated, reference_point, running_hypervolume
from search.contract.problem import SurrogateProblem
from search.registry import SEARCHERS, searcher

MAXIMUM_FRONT = 60
"""Points kept of a front: enough to draw it, spread along the resource."""


def search_front(predictor: Predictor, suite: Suite, known: Knowledge) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns the hypervolume of every searcher over its evaluations, and the joint front.

    Args:
        predictor: fitted; it must know the objectives.
        suite: objectives, budget and searchers.
        known: what the searchers are given.

    Raises:
        InfeasibleBudgetError: when no configuration meets the budget.
        UnknownNameError: when a searcher does not exist.
    """
    problem = SurrogateProblem(
        predictor.record.space,
        suite.objectives,
        predictor.predict_mean,
        metrics=predictor.metrics,
        budget=suite.budget,
    )
    require_feasible(problem, suite.search.seed)
    histories: dict[str, History] = {}
    for name, evaluations in suite.search.evaluations.items():
        made = searcher(name, problem.space, len(problem.objectives), suite.search.seed, known)
        batch = min(suite.search.batch, SEARCHERS[name].largest_batch)
        with bar(f"{name}, {evaluations} evaluations", -(-evaluations // batch)) as advance:
            histories[name] = run(
                made,
                problem,
                evaluations,
                batch,
                lambda done, _, advance=advance: advance(f"{done}"),  # type: ignore[misc]  # a default binds the loop's bar
            )
    return _hypervolumes(histories), _front(histories, predictor)


def _hypervolumes(histories: dict[str, History]) -> dict[str, Any]:
    objectives = np.concatenate([history.objectives for history in histories.values()])
    violations = np.concatenate([history.violations for history in histories.values()])
    reference = reference_point(objectives, violations)
    curves = {}
    for name, history in histories.items():
        values = running_hypervolume(history.objectives, reference, history.violations)
        shown = np.unique(np.geomspace(1, len(values), 80).astype(int))
        curves[name] = {"evaluations": shown.tolist(), "values": values[shown - 1].tolist()}
    return {"reference": reference.tolist(), "searchers": curves, "seeds": 1}


def _front(histories: dict[str, History], predictor: Predictor) -> list[dict[str, Any]]:
    from search.contract.pareto import spread

    objectives = np.concatenate([history.objectives for history in histories.values()])
    violations = np.concatenate([history.violations for history in histories.values()])
    vectors = np.concatenate([history.vectors for history in histories.values()])
    finders = np.concatenate([[name] * len(history) for name, history in histories.items()])
    rows = np.flatnonzero(non_dominated(objectives, violations))
    rows = rows[spread(objectives[rows], MAXIMUM_FRONT, -1)]
    configurations = predictor.record.space.decode(vectors[rows])
    predicted = predictor.predict(configurations)
    return [
        {
            "id": configuration.identifier,
            "configuration": configuration.to_dict(),
            "predicted": estimates(predicted.iloc[position], predictor.metrics),
            "found_by": str(finders[row]),
            "outside_domain": bool(predicted["outside_domain"].iloc[position]),
        }
        for position, (row, configuration) in enumerate(zip(rows, configurations, strict=True))
    ]


def estimates(row: Any, metrics: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Returns, for each metric, the predicted value and its 90 % interval, from one row of ``Predictor.predict``."""
    return {
        name: {"value": float(row[name]), "low": float(row[f"{name}_low"]), "high": float(row[f"{name}_high"])}
        for name in metrics
    }
