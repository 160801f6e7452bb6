"""What every searcher must keep. A new searcher: one line in ``OPTIONS``."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from perfmodel.errors import InvalidConfigurationError, UserError
from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration, Space
from search import SEARCHERS, AbstractSearcher, AdditiveProblem, Evaluation, run, searcher
from search.contract.knowledge import Knowledge

# Small enough that learning begins within a few asks.
OPTIONS: dict[str, dict[str, Any]] = {
    "uniform": {},
    "random": {},
    "sensitivity_greedy": {"percent": 50},
    "milp": {"percent": 50, "rank": 8},
    "hawq": {"percent": 50},
    "nsga2": {"population": 8},
    "qlognehvi": {"initial": 6},
    "parego": {"initial": 8},
    "automixq": {"initial": 8, "percent": 50},
    "qpruner": {"initial": 8, "percent": 50},
    "qr_adaptor": {"population": 4, "generations": 1, "percent": 50},
    "autoqra": {"population": 6, "promoted": 3, "generations": 2, "rounds": 1, "percent": 50},
    "amq": {"initial": 8, "fresh": 8, "highest": 16, "percent": 50},
    "apq": {"initial": 8, "cheap": 50},
    "optuna_tpe": {"initial": 6},
    "optuna_nsga2": {"population": 6},
    "optuna_gp": {"initial": 14},
    "joint": {"initial": 12},
}

# Options that no searcher accepts.
OUT_OF_RANGE: dict[str, list[dict[str, int]]] = {
    "uniform": [{"rank": 0}],
    "sensitivity_greedy": [{"rank": 0}, {"percent": 100}],
    "hawq": [{"rank": 0}, {"percent": -1}],
    "milp": [{"rank": 0}, {"percent": 100}],
    "nsga2": [{"population": 3}],
    "qlognehvi": [{"initial": 1}, {"memory": 3}],
    "parego": [{"initial": 1}],
    "automixq": [{"initial": 1}],
    "qpruner": [{"initial": 1}],
    "qr_adaptor": [{"population": 1}, {"generations": -1}, {"loss_percent": 101}, {"percent": 100}],
    "autoqra": [{"population": 1}, {"promoted": 41}, {"generations": 0}, {"rounds": -1}],
    "amq": [{"initial": 1}, {"fresh": 0}, {"highest": 1}],
    "apq": [{"initial": 1}, {"cheap": 9}],
    "optuna_tpe": [{"initial": 0}],
    "optuna_nsga2": [{"population": 1}],
    "optuna_gp": [{"initial": 0}],
    "joint": [{"initial": 1}],
}

# Shares of the first proposals that keep a budget which is known; the others learn it.
KEPT = {"uniform": 1.0, "sensitivity_greedy": 1.0, "hawq": 1.0, "milp": 1.0, "autoqra": 0.9, "joint": 1.0}

# They follow what they know or list, and draw only once that is used up.
DETERMINED = {"uniform", "sensitivity_greedy", "hawq", "milp", "qpruner"}

SPACE = Space(4)
TINY = Space(2, pruning_rates=(0.0, 0.5), bits=(2, 4), ranks=(0, 2))
TINY_SIZE = 2 * 4 * 3

Make = Callable[..., AbstractSearcher]


def test_every_searcher_is_tested() -> None:
    assert set(OPTIONS) == set(SEARCHERS)


@pytest.fixture(params=sorted(SEARCHERS))
def name(request: pytest.FixtureRequest) -> str:
    """Returns each searcher's name."""
    return str(request.param)


@pytest.fixture
def make(name: str, known: Callable[..., Knowledge]) -> Make:
    """Returns the maker of one searcher, from space, seed, number of objectives and parts of the knowledge."""

    def made(space: Space = SPACE, seed: int = 0, objectives: int = 2, **fields: Any) -> AbstractSearcher:
        return searcher(name, space, objectives, seed, known(AdditiveProblem(space), **fields), **OPTIONS[name])

    return made


def trajectory(made: AbstractSearcher, asks: int = 4, n: int = 4) -> list[Configuration]:
    """Returns what a searcher asks for while it is told the truth."""
    problem, asked = AdditiveProblem(made.space), []
    for _ in range(asks):
        batch = made.ask(n)
        made.tell(batch, problem.evaluate(batch))
        asked += batch
    return asked


def test_legal_distinct_and_as_many_as_asked(make: Make) -> None:
    asked = trajectory(make())
    assert len(asked) == len(set(asked)) == 16
    for configuration in asked:
        SPACE.validate(configuration)


def test_the_seed_decides(make: Make, name: str) -> None:
    first, again, other = (trajectory(make(seed=seed), asks=3) for seed in (3, 3, 4))
    assert first == again
    assert name in DETERMINED or first != other


def test_asking_again_without_telling_brings_new_ones(make: Make) -> None:
    made = make()
    trajectory(made, asks=2)
    assert not set(made.ask(2)) & set(made.ask(2))


def test_warm_start_with_foreign_results(make: Make) -> None:
    made, foreign = make(), stratified(SPACE, 12, 9)
    made.tell(foreign, AdditiveProblem(SPACE).evaluate(foreign))
    asked = trajectory(made, asks=1)
    assert len(asked) == 4
    assert not set(asked) & set(foreign)


def test_results_may_be_fewer_repeated_or_failed(make: Make) -> None:
    made, problem = make(), AdditiveProblem(SPACE)
    for _ in range(3):
        asked = made.ask(4)
        evaluation = problem.evaluate(asked[:3])
        evaluation.objectives[0] = np.nan
        made.tell(asked[:3], evaluation)
        made.tell(asked[1:2], problem.evaluate(asked[1:2]))
        made.tell([], problem.evaluate([]))
    assert len(made.ask(2)) == 2


def test_all_trials_failed(make: Make) -> None:
    made = make()
    for _ in range(3):
        asked = made.ask(4)
        made.tell(asked, Evaluation(np.full((4, 2), np.nan), np.zeros(4)))
    assert len(made.ask(4)) == 4


def test_constant_objectives(make: Make) -> None:
    made = make()
    for _ in range(3):
        asked = made.ask(4)
        made.tell(asked, Evaluation(np.ones((4, 2)), np.zeros(4)))
    assert len(made.ask(2)) == 2


def test_a_budget_is_met_in_the_end(make: Make) -> None:
    smallest = AdditiveProblem(SPACE).front()[:, 1].min()
    problem = AdditiveProblem(SPACE, memory=2 * smallest)
    history = run(make(), problem, 20, batch=10)
    assert (history.violations == 0).any()
    assert (history.violations > 0).any()
    losses = history.objectives[history.violations == 0]
    assert losses[:, 1].max() <= 2 * smallest


def test_a_budget_that_is_known_from_the_start(make: Make, name: str) -> None:
    smallest = AdditiveProblem(SPACE).front()[:, 1].min()
    history = run(make(budget=3 * smallest), AdditiveProblem(SPACE, memory=3 * smallest), 12, batch=6)
    feasible = (history.violations == 0).mean()
    assert feasible >= KEPT.get(name, 0.0)


def test_nothing_feasible_is_no_obstacle(make: Make) -> None:
    history = run(make(budget=1.0), AdditiveProblem(SPACE, memory=1.0), 12, batch=6)
    assert len(history) == 12
    assert (history.violations > 0).all()


def test_a_space_of_one_point(make: Make) -> None:
    space = Space(2, (0.0,), (4,), (8,))
    made = make(space)
    asked = made.ask(3)
    assert asked == [Configuration.uniform(2, bits=4, rank=8)]
    made.tell(asked, AdditiveProblem(space).evaluate(asked))
    assert made.ask(1) == []


def test_a_small_space_is_used_up_and_never_bare(make: Make) -> None:
    history = run(make(TINY), AdditiveProblem(TINY), 100, batch=9)
    assert len(history) == len(set(history.configurations)) == TINY_SIZE
    assert all(any(configuration.ranks) for configuration in history.configurations)


def test_low_fidelity_is_another_run_of_the_same_space(make: Make) -> None:
    made, problem = make(fidelities=(0.25, 1.0)), AdditiveProblem(SPACE)
    asked: dict[float, list[Configuration]] = {0.25: [], 1.0: []}
    for _ in range(4):
        batch = made.ask(3)
        asked[made.at] += batch
        made.tell(batch, problem.evaluate(batch), made.at)
    assert asked[1.0]
    assert all(len(of) == len(set(of)) for of in asked.values())
    with pytest.raises(UserError, match=r"results at 0\.5"):
        made.tell(asked[1.0], problem.evaluate(asked[1.0]), 0.5)


def test_what_is_needed_and_missing_is_named(name: str) -> None:
    needs = SEARCHERS[name].needs
    if not needs:
        assert len(searcher(name, SPACE, 2, 0, **OPTIONS[name]).ask(2)) == 2
        return
    with pytest.raises(UserError, match=f"given no {needs[0]}"):
        searcher(name, SPACE, 2, 0, **OPTIONS[name])


def test_options_out_of_range_are_refused(known: Callable[..., Knowledge]) -> None:
    knowledge = known(AdditiveProblem(SPACE))
    for name, refused in OUT_OF_RANGE.items():
        for options in refused:
            with pytest.raises(UserError):
                searcher(name, SPACE, 2, 0, knowledge, **options)
    for name in ("qlognehvi", "joint"):
        with pytest.raises(UserError, match=f"{name} of 5 objectives"):
            searcher(name, SPACE, 5, 0, knowledge)


def test_three_objectives(make: Make) -> None:
    made = make(TINY, objectives=3)
    for _ in range(3):
        asked = made.ask(4)
        made.tell(asked, Evaluation(TINY.encode(asked)[:, :3].astype(float), np.zeros(len(asked))))
    assert len(set(made.ask(4))) == 4


def test_wrong_results_are_refused(make: Make) -> None:
    made = make()
    asked = made.ask(2)
    with pytest.raises(UserError, match="minimises 2 objectives"):
        made.tell(asked, Evaluation(np.zeros((2, 3)), np.zeros(2)))
    with pytest.raises(UserError, match="results of shape"):
        made.tell(asked[:1], Evaluation(np.zeros((2, 2)), np.zeros(2)))
    with pytest.raises(InvalidConfigurationError):
        made.tell([Configuration.uniform(4, bits=4, rank=0)], Evaluation(np.zeros((1, 2)), np.zeros(1)))
