"""Which results live on: non-dominated sorting, then crowding distance, by pymoo.

Source: Deb, Pratap, Agarwal, Meyarivan 2002; pymoo, Blank and Deb 2020.
"""

import numpy as np
from numpy.typing import NDArray

from perfmodel.files.optional import needs_extra
from search.contract.problem import Evaluation


def survivors(evaluation: Evaluation, size: int) -> NDArray[np.int64]:
    """Returns the rows that survive, the best first, shape ``(<= size,)``; what meets the budget goes first.

    Args:
        evaluation: results, parents and offspring together, so that none of the best is lost.
        size: number kept, 1 or more.

    Raises:
        MissingExtraError: when pymoo is not installed.
    """
    with needs_extra("search"):
        from pymoo.core.population import Population
        from pymoo.core.problem import Problem
        from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

    n, m = evaluation.objectives.shape
    if n == 0:
        return np.empty(0, dtype=np.int64)
    population = Population.new(
        X=np.arange(n)[:, None],
        F=evaluation.objectives,
        G=evaluation.violations[:, None],
        H=np.empty((n, 0)),
    )
    problem = Problem(n_var=1, n_obj=m, n_ieq_constr=1, xl=0, xu=n)
    kept = RankAndCrowding().do(problem, population, n_survive=min(size, n), random_state=np.random.default_rng(0))
    return np.asarray(kept.get("X")[:, 0], dtype=np.int64)
