"""The program's costs start from sensitivities, are refitted to results, and then solve an additive problem."""

import numpy as np
from scipy.stats import spearmanr

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search import AdditiveProblem, RandomSearch, Setup, hypervolume, reference_point, run, searcher
from search.allocation.additive_costs import fitted_costs, prior_costs
from search.contract.knowledge import NOTHING
from search.contract.pareto import non_dominated
from search.contract.visited import every

SPACE = Space(6, pruning_rates=(0.0, 0.2, 0.5), bits=(2, 4, 8, 16), ranks=(0, 4, 16))


def test_results_mend_the_costs(known) -> None:
    problem = AdditiveProblem(SPACE, 1)
    rng = np.random.default_rng(0)
    told, asked = sample(SPACE, 40, rng), sample(SPACE, 300, rng)
    losses, truth = problem.measure(told)[:, 0], problem.measure(asked)[:, 0]
    before = spearmanr(prior_costs(SPACE, known(problem)).total(asked), truth)[0]
    after = spearmanr(fitted_costs(SPACE, known(problem), told, losses).total(asked), truth)[0]
    blind = spearmanr(fitted_costs(SPACE, NOTHING, told, losses).total(asked), truth)[0]
    assert after > 0.97
    assert before < after
    assert blind < after


def test_more_bits_or_rank_never_cost_more() -> None:
    rng = np.random.default_rng(0)
    vectors = sample(SPACE, 12, rng)
    pairs = fitted_costs(SPACE, NOTHING, vectors, rng.random(12)).pairs
    assert (np.diff(pairs, axis=1) <= 1e-12).all()
    assert (np.diff(pairs, axis=2) <= 1e-12).all()


def test_nearly_the_exact_front_in_forty_evaluations(known) -> None:
    problem = AdditiveProblem(SPACE)
    reference = reference_point(problem.front())
    exact = hypervolume(problem.front(), reference)
    solved, random = (
        hypervolume(run(each, problem, 40, batch=8).objectives, reference) / exact
        for each in (searcher("milp", SPACE, 2, 0, known(problem)), RandomSearch(Setup(SPACE, 2, 0)))
    )
    assert solved > 0.95
    assert solved > random + 0.05


def test_a_small_space_is_solved_as_a_whole(known) -> None:
    space = Space(2, pruning_rates=(0.0, 0.5), bits=(2, 4, 16), ranks=(0, 4, 8))
    problem = AdditiveProblem(space, 4)
    listed = every(space)
    both = np.column_stack([prior_costs(space, known(problem)).total(listed), problem.measure(listed)[:, 1]])
    front = {tuple(vector) for vector in listed[non_dominated(both)]}
    asked = searcher("milp", space, 2, 0, known(problem), initial=0).ask_vectors(len(front))
    assert {tuple(vector) for vector in asked} == front
