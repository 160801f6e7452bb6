"""As published the least reconstruction error is solved for; pairs of width and rank are our addition."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search import AdditiveProblem, RandomSearch, Setup, hypervolume, reference_point, run, searcher
from search.allocation.additive_costs import fitted_costs, prior_costs
from search.contract.knowledge import NOTHING
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


def test_as_published_the_least_error_within_the_budget_at_one_rate_and_rank(known) -> None:
    knowledge = known(AdditiveProblem(SPACE), budget=80.0)
    errors = np.asarray([4.0, 1.0, 2.0, 1.0, 1.0, 1.0])[:, None] * knowledge.sensitivities.weight_error
    sensitivities = replace(knowledge.sensitivities, weight_error=errors)
    listed = every(Space(6, (0.0,), SPACE.bits, (16,)))
    listed[:, 7:] = 2
    listed = listed[knowledge.memory(listed) <= 80.0]
    for options, weights in (({}, 1.0), ({"with_fisher": 1}, sensitivities.gradient_norm**2)):
        made = searcher("milp", SPACE, 2, 0, replace(knowledge, sensitivities=sensitivities), rank=16, **options)
        vector = made.ask_vectors(1)
        cost = [(weights * errors[range(6), each[:, 1:7]]).sum(axis=1) for each in (vector, listed)]
        assert cost[0][0] == pytest.approx(cost[1].min())
        assert vector[0, 0] == 0 and set(vector[0, 7:]) == {2}


def test_as_published_results_change_nothing(known) -> None:
    problem = AdditiveProblem(SPACE)
    told, untold = (searcher("milp", SPACE, 2, 0, known(problem)) for _ in range(2))
    first = told.ask(4)
    told.tell(first, problem.evaluate(first))
    assert untold.ask(4) == first
    assert told.ask(4) == untold.ask(4)


def test_pairs_by_true_costs_span_the_front_in_forty_evaluations(known) -> None:
    problem = AdditiveProblem(SPACE)
    reference = reference_point(problem.front())
    exact = hypervolume(problem.front(), reference)
    solved, random = (
        hypervolume(run(each, problem, 40, batch=8).objectives, reference) / exact
        for each in (
            searcher("milp", SPACE, 2, 0, known(problem), with_pairs=1),
            RandomSearch(Setup(SPACE, 2, 0)),
        )
    )
    assert solved > random + 0.05
