"""Every variant is a searcher of its own: leaving a stage out changes what is proposed, and changes that stage."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from perfmodel.errors import UnknownNameError
from perfmodel.space.space import Space
from search import SEARCHERS, AdditiveProblem, run, searcher
from search.comparison.contenders import STAGES, VARIANTS, contender
from search.contract.knowledge import Knowledge

Known = Callable[..., Knowledge]
SPACE = Space(6, pruning_rates=(0.0, 0.2), bits=(2, 3, 4, 8), ranks=(0, 4, 8))

# Small enough that every stage begins within a few asks; what leaves a stage out stays.
SMALL: dict[str, dict[str, int]] = {
    "automixq": {"initial": 6},
    "qpruner": {"initial": 6},
    "qr_adaptor": {"population": 4, "generations": 1},
    "autoqra": {"population": 6, "promoted": 3, "generations": 1, "rounds": 1},
    "amq": {"initial": 6, "fresh": 4},
    "apq": {"initial": 4, "cheap": 100},
}
PUBLISHED = [(whole, stage) for whole, stages in STAGES.items() if whole != "joint" for stage in stages]


@cache
def asked(known: Known, name: str, whole: str) -> tuple[list[list[int]], list[float]]:
    """Returns vectors and shares of a short search."""
    problem, chosen = AdditiveProblem(SPACE), contender(name)
    knowledge = known(
        problem, fidelities=(0.5, 1.0), budget=0.7 * problem.measure(np.asarray([[0] + [3] * 6 + [2] * 6]))[0, 1]
    )
    # One unit matters far more than the rest, so that AMQ freezes it and importance has a say.
    kl = knowledge.sensitivities.kl * np.asarray([9.0, 1, 1, 1, 1, 1])[:, None]
    knowledge = replace(knowledge, sensitivities=replace(knowledge.sensitivities, kl=kl))
    options = {
        **SMALL[whole],
        **{key: of for key, of in chosen.options.items() if key not in ("initial", "fresh") or of in (0, 1_000_000)},
    }
    made: Any = searcher(chosen.searcher, SPACE, 2, 0, knowledge, **options)
    vectors, shares = [], []
    for _ in range(6):
        batch = made.ask_vectors(4)
        vectors += batch.tolist()
        shares += [made.at] * len(batch)
        made.tell_vectors(batch, problem.evaluate_vectors(batch), made.at)
    return vectors, shares


@pytest.mark.parametrize(("whole", "stage"), PUBLISHED)
def test_leaving_a_stage_out_changes_what_is_proposed(whole: str, stage: str, known: Known) -> None:
    without = contender(f"{whole}_without_{stage}")
    assert (without.whole, without.stage) == (whole, stage)
    vectors, shares = asked(known, without.name, whole)
    assert vectors != asked(known, whole, whole)[0]
    assert (min(shares) < 1) == (whole == "autoqra" and stage != "low_fidelity")


def test_every_method_of_several_stages_has_them_left_out() -> None:
    assert set(STAGES) == {"joint", "automixq", "qpruner", "qr_adaptor", "autoqra", "amq", "apq"}
    assert all(each.searcher in SEARCHERS for each in VARIANTS.values())
    assert {each.whole for each in VARIANTS.values()} == {None, *STAGES}


def test_the_first_population_is_random_without_a_start(known: Known) -> None:
    problem = AdditiveProblem(SPACE)
    first = searcher("qr_adaptor", SPACE, 2, 0, known(problem), with_start=0, population=40).ask_vectors(40)
    assert set(first[:, 0]) == {0}
    assert np.abs(first[1:] - first[0]).max() == 3
    assert len({tuple(row) for row in first.tolist()}) == 40


def test_without_freezing_the_sensitive_unit_is_searched(known: Known) -> None:
    frozen, free = (asked(known, name, "amq")[0] for name in ("amq", "amq_without_freezing"))
    assert {row[1] for row in frozen} == {2}
    assert len({row[1] for row in free}) > 1


def test_without_repair_the_budget_is_broken(known: Known) -> None:
    problem = AdditiveProblem(SPACE, memory=66.0)
    broken = []
    for with_repair in (1, 0):
        knowledge = known(problem, budget=66.0)
        made = searcher("autoqra", SPACE, 2, 0, knowledge, with_repair=with_repair, population=8)
        broken.append((run(made, problem, 16, 8).violations > 0).mean())
    assert broken[0] < 0.2 < broken[1]


def test_a_shuffled_transfer_knows_nothing_of_the_loss(known: Known) -> None:
    problem = AdditiveProblem(SPACE)
    vectors = np.random.default_rng(1).integers(SPACE.cardinalities, size=(300, 13))
    costs = problem.measure(vectors)[:, 0]
    rank = [
        np.corrcoef(made._network._network.predict(SPACE.levels(vectors)), costs)[0, 1]
        for made in (searcher("apq", SPACE, 2, 0, known(problem), with_transfer=flag) for flag in (1, 0))
    ]
    assert rank[0] > 0.6
    assert abs(rank[1]) < 0.4


def test_unknown_contenders_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="qr_adaptor_without_start"):
        contender("qr_adaptor_without_end")
    assert contender("nsga2_20").options == {"population": 20}
