"""The joint search: each part does something, and together they find fronts that are known."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from integer_forms import IntegerForm

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search import AdditiveProblem, Evaluation, Setup, hypervolume, run, searcher
from search.allocation.additive_costs import prior_costs
from search.allocation.additive_front import AdditiveFront
from search.comparison.contenders import JOINT_PARTS, VARIANTS
from search.contract.knowledge import Knowledge
from search.contract.pareto import reference_point
from search.joint.joint import Joint

Known = Callable[..., Knowledge]
SPACE = Space(6)
SHARES = (0.5, 1.0)


def trajectory(known: Known, **options: int) -> list[tuple[float, list[int]]]:
    """Returns what the search asks for, and at which share, while it is told the truth."""
    problem = AdditiveProblem(SPACE)
    told = known(problem, fidelities=SHARES, budget=40.0, prior=lambda vectors: problem.measure(vectors)[:, 0])
    made = Joint(Setup(SPACE, 2, 0, told), initial=6, **options)
    asked = []
    for _ in range(6):
        vectors = made.ask_vectors(4)
        asked += [(made.at, row) for row in vectors.tolist()]
        made.tell_vectors(vectors, problem.evaluate_vectors(vectors), made.at)
    return asked


@pytest.fixture(scope="module")
def whole(known: Known) -> list[tuple[float, list[int]]]:
    return trajectory(known)


@pytest.mark.parametrize("part", JOINT_PARTS)
def test_leaving_a_part_out_changes_what_is_proposed(part: str, known: Known, whole: list[Any]) -> None:
    (option,) = VARIANTS[f"joint_without_{part}"].options
    without = trajectory(known, **{option: 0})
    assert without != whole
    assert {share for share, _ in without} == ({1.0} if part == "low_fidelity" else {0.5, 1.0})


def test_the_start_is_full_then_cheap_then_promoted(whole: list[tuple[float, list[int]]]) -> None:
    shares = [share for share, _ in whole]
    assert shares == [1.0] * 8 + [0.5] * 8 + [1.0] * 8
    cheap = [row for share, row in whole if share == 0.5]
    assert len({tuple(row) for row in cheap}) == 8


def test_a_cheap_result_that_promises_most_is_promoted(known: Known) -> None:
    problem = AdditiveProblem(SPACE)
    made = Joint(Setup(SPACE, 2, 0, known(problem, fidelities=SHARES)), initial=6, with_warm_start=0)
    cheap = made.ask_vectors(8)
    assert made.at == 0.5
    order = problem.measure(cheap)[:, 1].argsort()
    told = problem.evaluate_vectors(cheap)
    told.objectives[:, 0] = 9.0
    told.objectives[order[2], 0] = 1.0
    made.tell_vectors(cheap, told, 0.5)
    ends = cheap[order[[0, -1]]]
    full = problem.evaluate_vectors(ends)
    full.objectives[:, 0] = (10.0, 9.0)
    made.tell_vectors(ends, full, 1.0)
    asked = made.ask_vectors(4)
    assert made.at == 1.0
    assert cheap[order[2]].tolist() in asked.tolist()


def test_the_start_spans_the_memory_and_is_the_programs(known: Known) -> None:
    problem = AdditiveProblem(SPACE)
    knowledge = known(problem)
    started = AdditiveFront(SPACE, knowledge).start(8)
    asked = Joint(Setup(SPACE, 2, 0, knowledge)).ask_vectors(8).tolist()
    assert all(row in asked for row in started.tolist())
    sizes, front = problem.measure(started)[:, 1], problem.front()
    assert sizes.min() == front[:, 1].min()
    assert sizes.max() > 0.9 * front[:, 1].max()
    drawn = sample(SPACE, 4000, np.random.default_rng(0))
    drawn_sizes = problem.measure(drawn)[:, 1]
    costs = prior_costs(SPACE, replace(knowledge, sensitivities=None))
    for row, size in zip(started, sizes, strict=True):
        assert costs.total(row[None])[0] <= costs.total(drawn[drawn_sizes <= size]).min(initial=np.inf) + 1e-9


def test_a_known_budget_is_never_broken_and_a_forgotten_one_is(known: Known) -> None:
    problem = AdditiveProblem(SPACE, memory=60.0)
    kept = run(Joint(Setup(SPACE, 2, 0, known(problem, budget=60.0)), initial=6), problem, 20, 4)
    assert kept.violations.max() == 0
    blind = Joint(Setup(SPACE, 2, 0, known(problem, budget=60.0)), initial=6, with_known_memory=0, with_warm_start=0)
    assert (run(blind, problem, 4, 4).violations > 0).any()


def test_the_exact_front_of_an_additive_problem(known: Known) -> None:
    space = Space(3, pruning_rates=(0.0, 0.3), bits=(2, 4, 8), ranks=(2, 8))
    problem = AdditiveProblem(space, seed=1)
    history = run(Joint(Setup(space, 2, 0, known(problem))), problem, 96, 16)
    found = {tuple(row) for row in history.objectives.round(9).tolist()}
    assert {tuple(row) for row in problem.front().round(9).tolist()} <= found


def test_zdt1_in_integers_reaches_nearly_the_whole_hypervolume() -> None:
    space = Space(6, pruning_rates=(0.0, 0.3), ranks=(2, 8, 32))
    problem = IntegerForm("zdt1", space)
    reference = reference_point(problem.front())
    whole = hypervolume(problem.front(), reference)
    knowledge = Knowledge(memory=lambda vectors: problem.measure(vectors)[:, 1])
    ours, drawn = (
        hypervolume(run(searcher(name, space, 2, 0, knowledge), problem, 56, 8).objectives, reference) / whole
        for name in ("joint", "random")
    )
    assert ours > 0.95
    assert drawn < 0.8 * ours


@pytest.mark.slow
def test_three_objectives_and_no_knowledge_go_by_sampling() -> None:
    made, drawn = (Joint(Setup(SPACE, 3, 0), initial=initial) for initial in (6, 60))
    rng = np.random.default_rng(0)
    vectors = made.ask_vectors(6)
    told = AdditiveProblem(SPACE).evaluate_vectors(vectors)
    three = Evaluation(np.column_stack([told.objectives, rng.random(6)]), told.violations)
    for each in (made, drawn):
        each.tell_vectors(vectors, three)
    asked = made.ask_vectors(2).tolist()
    assert len(asked) == 2
    assert asked != drawn.ask_vectors(2).tolist()
