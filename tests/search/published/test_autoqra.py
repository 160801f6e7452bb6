"""Importance guides mutation, repair keeps the budget, and low fidelity screens what is promoted."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.space.space import Space
from search import AdditiveProblem, run, searcher
from search.allocation.budget_repair import BudgetRepair

SPACE = Space(4, ranks=(0, 4, 8, 16))


def test_mutation_follows_importance_to_the_power_of_one_and_a_half(known) -> None:
    knowledge = known(AdditiveProblem(SPACE))
    kl = np.tile(np.array([1.0, 2.0, 4.0, 0.0])[:, None], (1, 5))
    sensitivities = replace(knowledge.sensitivities, kl=kl)
    made = searcher("autoqra", SPACE, 2, 0, replace(knowledge, sensitivities=sensitivities))
    before = np.full((8000, 9), 2)
    shares = (made._mutated(before) != before)[:, 1:].reshape(-1, 2, 4).sum(axis=1).mean(axis=0)
    assert shares[1] / shares[0] == pytest.approx(2**1.5, rel=0.25)
    assert shares[3] == 0


def test_a_generation_at_low_fidelity_and_then_its_best_at_full(known) -> None:
    problem = AdditiveProblem(SPACE)
    made = searcher("autoqra", SPACE, 2, 0, known(problem, fidelities=(0.2, 1.0)), population=10, promoted=2)
    low, full = [], []
    for _ in range(9):
        asked = made.ask_vectors(2)
        (full if made.at == 1.0 else low).append(asked)
        made.tell_vectors(asked, problem.evaluate_vectors(asked), made.at)
        if made.at == 1.0:
            generation = np.concatenate(low)[-10:]
            assert len(generation) == 10
            assert all((generation == vector).all(axis=1).any() for vector in asked)
    assert len(np.concatenate(low)) == 16
    assert len(np.concatenate(full)) == 2


def test_promoted_are_better_than_their_generation(known) -> None:
    problem = AdditiveProblem(SPACE)
    made = searcher("autoqra", SPACE, 2, 0, known(problem, fidelities=(0.2, 1.0)), population=20, promoted=4)
    first = made.ask_vectors(20)
    made.tell_vectors(first, problem.evaluate_vectors(first), made.at)
    promoted = problem.measure(made.ask_vectors(4))
    losses = problem.measure(first)
    dominated = [((losses <= each).all(axis=1) & (losses < each).any(axis=1)).sum() for each in promoted]
    assert dominated == [0, 0, 0, 0]


def test_the_start_has_bits_by_divergence_and_ranks_by_gradient_and_the_rest_are_edits_of_it(known) -> None:
    knowledge = known(AdditiveProblem(SPACE))
    kl, gradient = np.tile(np.array([0.0, 1.0, 2.0, 4.0])[:, None], (1, 5)), np.array([3.0, 0.0, 1.5, 0.0])
    sensitivities = replace(knowledge.sensitivities, kl=kl, gradient_norm=gradient)
    first = searcher("autoqra", SPACE, 2, 0, replace(knowledge, sensitivities=sensitivities)).ask_vectors(30)
    assert first[0].tolist() == [0, 0, 1, 2, 4, 3, 1, 2, 1]
    differ = (first[1:] != first[0]).sum(axis=1)
    assert differ.min() <= 2 and differ.max() >= 5


def test_three_of_ten_mutations_move_bits_and_rank_against_each_other(known) -> None:
    before = np.full((4000, 9), 2)
    made = searcher("autoqra", SPACE, 2, 0, known(AdditiveProblem(SPACE)))
    steps = (made._mutated(before) - before)[:, 1:].reshape(-1, 2, 4)
    both = (steps != 0).all(axis=1)
    assert both.sum() / (steps != 0).any(axis=1).sum() == pytest.approx(0.3, abs=0.03)
    assert (steps.sum(axis=1)[both] == 0).all()


def test_the_surrogate_sees_what_low_fidelity_measured(known) -> None:
    problem = AdditiveProblem(SPACE)
    made = searcher("autoqra", SPACE, 2, 0, known(problem, fidelities=(0.2, 1.0)), population=20, promoted=4)
    for _ in range(2):
        cheap = made.ask_vectors(20)
        assert made.at == 0.2
        told = problem.evaluate_vectors(cheap)
        # What low fidelity measured has nothing to do with the choices, and is all that the full training follows.
        told.objectives[:, 0] = np.random.default_rng(1).permutation(20)
        made.tell_vectors(cheap, told, 0.2)
        promoted = made.ask_vectors(4)
        rows = [int((cheap == vector).all(axis=1).argmax()) for vector in promoted]
        full = problem.evaluate_vectors(promoted)
        full.objectives[:, 0] = told.objectives[rows, 0]
        made.tell_vectors(promoted, full, 1.0)
    assert told.objectives[:, 0].argmin() in rows


def test_the_last_phase_looks_one_edit_around_the_front_and_begins_within_200_fine_tunes(known) -> None:
    problem = AdditiveProblem(SPACE)
    made = searcher("autoqra", SPACE, 2, 0, known(problem, fidelities=(0.5, 1.0)))
    spent = 0.0
    while made._place[1] < made._generations:
        asked = made.ask_vectors(6)
        made.tell_vectors(asked, problem.evaluate_vectors(asked), made.at)
        spent += made.at * len(asked)
    assert spent < 100
    front = made._archive.vectors[made._archive.front()]
    edits = [(np.abs(front - vector).sum(axis=1)).min() for vector in made.ask_vectors(6)]
    assert made.at == 1.0
    assert edits == [1] * 6


def test_one_fidelity_screens_by_the_surrogate_alone(known) -> None:
    problem = AdditiveProblem(SPACE)
    made = searcher("autoqra", SPACE, 2, 0, known(problem))
    history = run(made, problem, 24, batch=6)
    assert (history.shares == 1.0).all()
    assert set(history.vectors[:, 0]) == {0}


def test_repair_takes_the_least_importance_per_byte(known) -> None:
    problem = AdditiveProblem(SPACE)
    vector = np.array([[0, 4, 4, 4, 4, 3, 3, 3, 3]])
    full = problem.measure(vector)[0, 1]
    importance = np.array([4.0, 1.0, 1.5, 3.0])
    # From 16 to 8 bits saves 8, from rank 16 to 8 saves 2: bits of the least important unit go first.
    repaired = BudgetRepair(SPACE, known(problem, budget=full - 1), importance)(vector)
    assert repaired.tolist() == [[0, 4, 3, 4, 4, 3, 3, 3, 3]]
    repaired = BudgetRepair(SPACE, known(problem, budget=full - 9), importance)(vector)
    assert repaired.tolist() == [[0, 4, 3, 3, 4, 3, 3, 3, 3]]


def test_repair_ends_where_nothing_is_left_to_lower(known) -> None:
    vectors = np.array([[0, 4, 4, 4, 4, 3, 3, 3, 3], [5, 0, 0, 0, 0, 1, 1, 1, 1]])
    repaired = BudgetRepair(SPACE, known(AdditiveProblem(SPACE), budget=1.0), np.ones(4))(vectors)
    assert repaired.tolist() == [[0] * 5 + [1] * 4, [5] + [0] * 4 + [1] * 4]
