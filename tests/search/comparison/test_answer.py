"""The answer holds what the intervals show and no more."""

from typing import Any

import pytest

from search.comparison.answer import answer
from search.comparison.sentences import sentence


def estimate(value: float | None, half: float | None = 0.01, n: int = 10) -> dict[str, Any]:
    known = value is not None and half is not None
    low, high = (value - half, value + half) if known else (None, None)
    return {"value": value, "low": low, "high": high, "n": 0 if value is None else n}


def found(regrets: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Returns a summary of one budget, from contender, task and estimate."""
    tasks: dict[str, Any] = {}
    overhead = more.pop("overhead", {})
    for name, of in regrets.items():
        for task, regret in of.items():
            entry = tasks.setdefault(task, {"uniform": [0.5, 0.5], "contenders": {}})
            entry["contenders"][name] = {
                "seeds": more.get("seeds", 10),
                "regret": {"25": regret},
                "overhead_s": estimate(overhead.get(name, 1.0)),
                "reached_uniform": 9,
                "trainings_to_uniform": estimate(12.0, n=9),
            }
    return {"tasks": tasks, "budgets": [25], "optima": more.get("optima", {})}


def facts(summary: dict[str, Any], kind: str) -> dict[str, Any]:
    """Returns the numbers of the only finding of a kind."""
    (numbers,) = [each.numbers for each in answer(summary) if each.kind == kind]
    return dict(numbers)


def test_the_first_is_told_from_random_where_intervals_do_not_touch() -> None:
    summary = found(
        {
            "joint": {"a": estimate(0.10), "b": estimate(0.20)},
            "random": {"a": estimate(0.30), "b": estimate(0.215)},
            "nsga2": {"a": estimate(0.50), "b": estimate(0.19)},
        }
    )
    assert facts(summary, "scope") == {"searchers": 3, "tasks": ["a", "b"], "fewest_seeds": 10, "most_seeds": 10}
    first = facts(summary, "first")
    assert (first["budget"], first["searcher"], first["first_on"], first["alike"]) == (25, "joint", ["a"], [])
    assert (first["regret"], first["random_regret"]) == pytest.approx((0.15, 0.2575))
    assert (first["has_intervals"], first["better_than_random_on"]) == (True, ["a"])


def test_who_is_told_apart_on_no_task_is_alike() -> None:
    for theirs, clear in ((0.30, ["a"]), (0.11, [])):
        first = facts(found({"joint": {"a": estimate(0.1)}, "random": {"a": estimate(theirs)}}), "first")
        assert first["better_than_random_on"] == clear
        assert first["alike"] == ([] if clear else ["random"])


def test_random_search_is_first_where_it_is() -> None:
    first = facts(found({"joint": {"a": estimate(0.2)}, "random": {"a": estimate(0.1)}}), "first")
    assert first["searcher"] == "random"
    assert "random_regret" not in first


def test_a_method_without_a_stage_is_never_recommended() -> None:
    summary = found({"joint": {"a": estimate(0.2)}, "joint_without_batch": {"a": estimate(0.1)}})
    assert facts(summary, "scope")["searchers"] == 1
    assert facts(summary, "first")["searcher"] == "joint"


def test_the_cheapest_that_is_not_told_apart_is_named() -> None:
    regrets = {"qlognehvi": {"a": estimate(0.1)}, "nsga2": {"a": estimate(0.115)}, "random": {"a": estimate(0.3)}}
    overhead = {"qlognehvi": 50.0, "nsga2": 0.5, "random": 0.1}
    spent = facts(found(regrets, overhead=overhead), "overhead")
    assert spent == {
        "searcher": "qlognehvi",
        "overhead_s": 50.0,
        "budget": 25,
        "cheapest": "nsga2",
        "cheapest_s": 0.5,
    }
    del regrets["nsga2"]
    assert facts(found(regrets, overhead=overhead), "overhead")["cheapest"] == "qlognehvi"


def test_uniform_choices_do_as_well_only_where_they_are_not_told_apart() -> None:
    regrets = {
        "joint": {"a": estimate(0.10), "b": estimate(0.10)},
        "uniform": {"a": estimate(0.30), "b": estimate(0.115)},
    }
    assert facts(found(regrets), "uniform choices") == {"as_good_on": {"b": [25]}}
    regrets["uniform"]["b"] = estimate(0.2)
    assert facts(found(regrets), "uniform choices") == {"as_good_on": {}}
    assert not [each for each in answer(found({"joint": {"a": estimate(0.1)}})) if each.kind == "uniform choices"]


def test_uniform_four_bits_are_reached_so_often_and_so_soon() -> None:
    reached = facts(found({"joint": {"a": estimate(0.1), "b": estimate(0.1)}}), "uniform 4-bit reached")
    assert reached == {"searcher": "joint", "reached": 18, "searches": 20, "fine_tunes": 12.0}


def test_the_sign_of_the_correlation_is_claimed_with_its_interval() -> None:
    for value, half, sign in ((0.3, 0.1, 1), (-0.3, 0.1, -1), (0.05, 0.1, 0), (0.3, None, None)):
        optima = {"joint": {**estimate(value, half, 30), "tasks": 3}}
        findings = answer(found({"joint": {"a": estimate(0.1)}}, optima=optima))
        signs = [each.numbers["sign"] for each in findings if each.kind == "bits and ranks"]
        assert signs == ([] if sign is None else [sign])


def test_one_seed_claims_nothing() -> None:
    summary = found({"joint": {"a": estimate(0.1, None, 1)}, "random": {"a": estimate(0.9, None, 1)}}, seeds=1)
    assert facts(summary, "scope")["fewest_seeds"] == 1
    assert facts(summary, "first")["has_intervals"] is False


def test_a_budget_that_not_all_tasks_reached_is_no_ground() -> None:
    regrets = {"joint": {"a": estimate(0.1), "b": estimate(None)}, "random": {"a": estimate(0.3), "b": estimate(0.3)}}
    assert facts(found(regrets), "first")["searcher"] == "random"
    nobody = found({"joint": {"a": estimate(None)}})
    assert [each.kind for each in answer(nobody)] == ["scope", "nothing to recommend"]
    assert answer({"tasks": {}, "budgets": [25], "optima": {}}) == []


def test_every_finding_is_one_sentence_with_its_numbers() -> None:
    regrets = {name: {"a": estimate(value)} for name, value in (("joint", 0.1), ("random", 0.3), ("uniform", 0.11))}
    optima = {"joint": {**estimate(0.3, 0.1, 30), "tasks": 3}}
    said = [sentence(each) for each in answer(found(regrets, optima=optima))]
    assert [each.count(". ") for each in said] == [0] * 6
    assert "0.100 of its hypervolume" in said[1]
    assert "random search misses 0.300, and its interval lies above on every task" in said[1]
    assert "+0.30 [+0.20, +0.40], 30 searches on 3 tasks" in said[-1]
