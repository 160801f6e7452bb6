"""Runs the suite's searchers on a predictor and joins what they found into one front."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import LOSS
from reports.report.choice import Noise
from reports.run.predicted import estimates
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


def search_front(
    predictor: Predictor, suite: Suite, known: Knowledge, noise: Noise
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns the hypervolume of every searcher over its evaluations, and the joint front.

    Args:
        predictor: fitted; it must know the objectives.
        suite: objectives, budget and searchers.
        known: what the searchers are given.
        noise: of the loss between seeds; points of the front that gain less than it over a smaller one are left out.

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
    return _hypervolumes(histories), _front(histories, predictor, suite.objectives, noise)


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


def _front(
    histories: dict[str, History], predictor: Predictor, names: Sequence[str], noise: Noise
) -> list[dict[str, Any]]:
    from search.contract.pareto import spread

    objectives = np.concatenate([history.objectives for history in histories.values()])
    violations = np.concatenate([history.violations for history in histories.values()])
    vectors = np.concatenate([history.vectors for history in histories.values()])
    finders = np.concatenate([[name] * len(history) for name, history in histories.items()])
    rows = np.flatnonzero(non_dominated(objectives, violations))
    rows = rows[worth_a_choice(objectives[rows], names, noise)]
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


def worth_a_choice(objectives: NDArray[np.float64], names: Sequence[str], noise: Noise) -> NDArray[np.int64]:
    """Returns which points of a front gain more than seed noise over every kept one that needs no more of anything.

    Args:
        objectives: of the front's points, all minimised, shape ``(n, m)``.
        names: of the objectives; without the held-out loss among them every point is kept.
        noise: of the loss between seeds.

    Returns:
        Positions in rising order of the other objectives, shape ``(k,)``.
    """
    if LOSS not in names:
        return np.arange(len(objectives))
    place = list(names).index(LOSS)
    loss, others = objectives[:, place], np.delete(objectives, place, axis=1)
    kept: list[int] = []
    for row in np.lexsort(others.T[::-1]):
        smaller = [each for each in kept if (others[each] <= others[row]).all()]
        if all(loss[row] < noise.added(loss[each], 1, -1) for each in smaller):
            kept.append(int(row))
    return np.array(kept, dtype=np.int64)
