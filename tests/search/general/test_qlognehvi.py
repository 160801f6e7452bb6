"""qLogNEHVI beats random draws at equal evaluations, learns a budget and refuses what it cannot do."""

import numpy as np
import pytest

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search import AdditiveProblem, QLogNEHVI, RandomSearch, Setup, hypervolume, reference_point, run
from search.contract.problem import Evaluation

SPACE = Space(6)


def test_beats_random_draws_at_equal_evaluations() -> None:
    problem = AdditiveProblem(SPACE)
    reference = reference_point(problem.front())
    exact = hypervolume(problem.front(), reference)
    bayes, random = (
        hypervolume(run(each, problem, 32, batch=4).objectives, reference) / exact
        for each in (QLogNEHVI(Setup(SPACE, 2, 0)), RandomSearch(Setup(SPACE, 2, 0)))
    )
    assert bayes > random + 0.02
    assert bayes > 0.9


def test_no_kernel_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch.utils.cpp_extension
    from botorch.acquisition.multi_objective import logei

    asked = []

    def load(**settings: object) -> None:
        asked.append(settings["name"])
        raise OSError("no compiler")

    monkeypatch.setattr(torch.utils.cpp_extension, "load", load)
    monkeypatch.setattr(logei, "_load_attempted", False)
    monkeypatch.setattr(logei, "_C", None)
    assert len(run(QLogNEHVI(Setup(Space(2), 2, 0), initial=4), AdditiveProblem(Space(2)), 6, batch=2)) == 6
    assert asked == []
    with pytest.warns(UserWarning, match="no compiler"):
        logei._try_load_fused_kernel()
    assert asked == ["logei_fused_ext"]


def test_later_proposals_keep_to_a_budget() -> None:
    """Of two seeds: what a single search proposes differs between processors, which round differently."""
    smallest = AdditiveProblem(SPACE).front()[:, 1].min()
    problems = [AdditiveProblem(SPACE, memory=1.4 * smallest) for _ in range(2)]
    histories = [run(QLogNEHVI(Setup(SPACE, 2, 2 * seed)), each, 28, batch=4) for seed, each in enumerate(problems)]
    feasible = np.array([history.violations == 0 for history in histories])
    assert feasible[:, 16:].mean() > 2 * feasible[:, :16].mean()


def test_memory_keeps_the_front_and_then_the_latest() -> None:
    searcher = QLogNEHVI(Setup(SPACE, 2, 0), initial=4, memory=10)
    losses = np.column_stack([np.arange(30.0), np.full(30, 5.0)])
    searcher.tell_vectors(sample(SPACE, 30, np.random.default_rng(0)), Evaluation(losses, np.zeros(30)))
    assert searcher._archive.remembered(10).tolist() == [0, *range(21, 30)]
    assert len(searcher.ask(2)) == 2
