"""The answer says what the intervals say and no more."""

from typing import Any

import pytest

from search.comparison.answer import answer


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


def test_the_first_is_told_from_random_where_intervals_do_not_touch() -> None:
    said = answer(
        found(
            {
                "joint": {"a": estimate(0.10), "b": estimate(0.20)},
                "random": {"a": estimate(0.30), "b": estimate(0.215)},
                "nsga2": {"a": estimate(0.50), "b": estimate(0.19)},
            }
        )
    )
    assert (
        said[0]
        == "3 searchers on 2 tasks (a, b), 10 seeds each; two searchers are told apart where their intervals do not touch."
    )
    assert said[1] == (
        "With 25 fine-tunes: joint, which misses least of the best known front, 0.150 of its hypervolume on average, "
        "and is first on 1 of 2 tasks; random search misses 0.258, and its interval lies above on a, but touches on b."
    )


@pytest.mark.parametrize(
    ("theirs", "words"),
    [(0.30, "its interval lies above on every task"), (0.11, "touch on every task, so they are not told apart")],
)
def test_all_or_none_of_the_tasks(theirs: float, words: str) -> None:
    said = answer(found({"joint": {"a": estimate(0.1)}, "random": {"a": estimate(theirs)}}))
    assert words in said[1]
    assert ("not told apart from it on any task: random" in said[1]) == (theirs < 0.2)


def test_random_search_is_said_to_be_first_where_it_is() -> None:
    said = answer(found({"joint": {"a": estimate(0.2)}, "random": {"a": estimate(0.1)}}))
    assert said[1].startswith("With 25 fine-tunes: random,")
    assert "no other searcher did better than random search on average" in said[1]


def test_a_method_without_a_stage_is_never_recommended() -> None:
    said = answer(found({"joint": {"a": estimate(0.2)}, "joint_without_batch": {"a": estimate(0.1)}}))
    assert said[0].startswith("1 searcher on 1 task (a), 10 seeds")
    assert said[1].startswith("With 25 fine-tunes: joint,")
    assert not any("without" in each for each in said)


def test_the_cheapest_that_is_not_told_apart_is_named() -> None:
    regrets = {"qlognehvi": {"a": estimate(0.1)}, "nsga2": {"a": estimate(0.115)}, "random": {"a": estimate(0.3)}}
    overhead = {"qlognehvi": 50.0, "nsga2": 0.5, "random": 0.1}
    said = answer(found(regrets, overhead=overhead))
    assert (
        "A whole search by qlognehvi takes 50.0 processor seconds beside the fine-tunes; nsga2, not told apart from it "
        "with 25 fine-tunes, takes 0.5."
    ) in said
    alone = answer(found({name: of for name, of in regrets.items() if name != "nsga2"}, overhead=overhead))
    assert "A whole search by qlognehvi takes 50.0 processor seconds beside the fine-tunes." in alone


def test_uniform_choices_do_as_well_only_where_they_are_not_told_apart() -> None:
    regrets = {
        "joint": {"a": estimate(0.10), "b": estimate(0.10)},
        "uniform": {"a": estimate(0.30), "b": estimate(0.115)},
    }
    said = answer(found(regrets))
    assert "do as well, as far as the intervals tell, on b with 25 fine-tunes." in " ".join(said)
    regrets["uniform"]["b"] = estimate(0.2)
    assert "Uniform choices (one width and one rank everywhere) miss more on every task at every budget." in answer(
        found(regrets)
    )
    assert not any("Uniform choices" in each for each in answer(found({"joint": {"a": estimate(0.1)}})))


def test_uniform_four_bits_are_reached_so_often_and_so_soon() -> None:
    said = answer(found({"joint": {"a": estimate(0.1), "b": estimate(0.1)}}))
    assert (
        "joint found a choice no worse than uniform 4-bit in loss and memory in 18 of 20 searches, there after 12.0 "
        "fine-tunes on average."
    ) in said


@pytest.mark.parametrize(
    ("value", "half", "words"),
    [
        (0.3, 0.1, "the same units get high bits and high ranks"),
        (-0.3, 0.1, "units of low bits get high ranks"),
        (0.05, 0.1, "neither together nor apart that could be told"),
        (0.3, None, ""),
    ],
)
def test_the_sign_of_the_correlation_is_claimed_with_its_interval(value: float, half: float | None, words: str) -> None:
    optima = {"joint": {**estimate(value, half, 30), "tasks": 3}}
    (line,) = [
        each for each in answer(found({"joint": {"a": estimate(0.1)}}, optima=optima)) if "recommends" in each
    ] or [""]
    assert words in line
    assert bool(line) == bool(words)


def test_one_seed_claims_nothing() -> None:
    said = answer(found({"joint": {"a": estimate(0.1, None, 1)}, "random": {"a": estimate(0.9, None, 1)}}, seeds=1))
    assert said[0].endswith("1 seed each: one seed has no interval, so what follows may be luck.")
    assert "one seed does not tell the two apart" in said[1]
    assert "intervals" not in said[1]


def test_a_budget_that_not_all_tasks_reached_is_no_ground() -> None:
    regrets = {"joint": {"a": estimate(0.1), "b": estimate(None)}, "random": {"a": estimate(0.3), "b": estimate(0.3)}}
    assert "With 25 fine-tunes: random," in answer(found(regrets))[1]
    nobody = {"joint": {"a": estimate(None)}}
    assert answer(found(nobody))[1] == "No searcher reached a budget on every task: nothing can be recommended."
    assert answer({"tasks": {}, "budgets": [25], "optima": {}}) == []
