"""The loop keeps order, reports progress, stops when a space is used up and refuses a mismatch."""

import numpy as np
import pytest

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search import AbstractProblem, AbstractSearcher, AdditiveProblem, RandomSearch, Setup, run
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation

SPACE = Space(3)
PROBLEM = AdditiveProblem(SPACE)


def test_history_is_what_was_evaluated() -> None:
    seen = []
    history = run(RandomSearch(Setup(SPACE, 2, 0)), PROBLEM, 10, 4, lambda done, total: seen.append((done, total)))
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert len(history) == len(history.configurations) == 10
    assert (PROBLEM.evaluate(history.configurations).objectives == history.objectives).all()
    assert history.violations.tolist() == [0.0] * 10


def test_no_evaluations_make_an_empty_history() -> None:
    history = run(RandomSearch(Setup(SPACE, 2, 0)), PROBLEM, 0, 4)
    assert len(history) == 0
    assert history.objectives.shape == (0, 2)
    assert history.vectors.dtype == np.int64


def test_a_used_up_space_ends_the_loop() -> None:
    space = Space(1, (0.0,), (2, 4), (0, 4))
    assert len(run(RandomSearch(Setup(space, 2, 0)), AdditiveProblem(space), 50, 4)) == 2


@pytest.mark.parametrize(
    ("searcher", "batch"),
    [
        (RandomSearch(Setup(Space(4), 2, 0)), 4),
        (RandomSearch(Setup(SPACE, 3, 0)), 4),
        (RandomSearch(Setup(SPACE, 2, 0)), 0),
    ],
)
def test_a_mismatch_is_refused(searcher: RandomSearch, batch: int) -> None:
    with pytest.raises(UserError, match="the same space"):
        run(searcher, PROBLEM, 8, batch)


class Halves(AbstractSearcher):
    """Asks for half trainings only."""

    def _fidelity(self) -> float:
        return 0.5

    def _propose(self, n: int) -> np.ndarray:
        return np.empty((0, 7), dtype=np.int64)

    def _learn(self, vectors: np.ndarray, evaluation: Evaluation) -> None:
        raise AssertionError("no full training was asked for")


class TwoShares(AbstractProblem):
    """Measures 1 in full and 2 after half of the training."""

    @property
    def fidelities(self) -> tuple[float, ...]:
        return (0.5, 1.0)

    def measure(self, vectors: np.ndarray) -> np.ndarray:
        return np.ones((len(vectors), 2))

    def measure_early(self, vectors: np.ndarray, at: float) -> np.ndarray:
        return np.full((len(vectors), 2), 1 / at)


def test_half_trainings_cost_half() -> None:
    problem = TwoShares(SPACE, ["held_out_loss", "peak_memory_bytes"])
    seen = []
    halves = Halves(Setup(SPACE, 2, 0, Knowledge(fidelities=(0.5, 1.0))))
    history = run(halves, problem, 3, 4, lambda done, total: seen.append((done, total)))
    assert history.shares.tolist() == [0.5] * 6
    assert (history.objectives == 2.0).all()
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_problem_of_full_trainings_refuses_a_share() -> None:
    with pytest.raises(UserError, match=r"2 configurations at 0\.5 of the training; this problem measures at 1"):
        PROBLEM.evaluate_vectors(np.zeros((2, 7), dtype=np.int64), 0.5)
    halves = Halves(Setup(SPACE, 2, 0, Knowledge(fidelities=(0.5, 1.0))))
    with pytest.raises(UserError, match="measures at 1"):
        run(halves, PROBLEM, 3, 4)
