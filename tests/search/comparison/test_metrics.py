"""Figures of small comparisons that can be worked out by hand."""

from typing import Any

import numpy as np
import pytest

from search.comparison.metrics import (
    at,
    attainment,
    over_seeds,
    recommended,
    regret_course,
    regret_curve,
    time_to_uniform,
    yardstick,
)
from search.comparison.optima import correlations, stability
from search.comparison.ranks import ranks
from search.comparison.summary import summary


def run(true: list[list[Any]], **fields: Any) -> dict[str, Any]:
    """Returns a record of full trainings of a minute each."""
    n = len(true)
    known = {
        "contender": "random",
        "task": "sums",
        "seed": 0,
        "status": "ok",
        "vectors": [[0, row, 0, 0, row] for row in range(n)],
        "shares": [1.0] * n,
        "observed": true,
        "true": true,
        "violations": [0.0] * n,
        "seconds": [60.0] * n,
        "overhead_s": 1.0,
    }
    return {**known, **fields}


KNOWN = {
    "front": [[0.0, 1.0], [1.0, 0.0]],
    "uniform": [0.5, 0.5],
    "evaluations": 9,
    "objectives": ["held_out_loss", "peak_memory_bytes"],
    "space": {"units": 2},
}
GOOD = run([[2.0, 2.0], [0.4, 0.4], [0.0, 1.0]])
BAD = run([[2.0, 2.0], [1.05, 1.05], [1.0, 0.0]])


def test_the_yardstick_is_the_best_of_all() -> None:
    against = yardstick([GOOD, BAD], KNOWN)
    assert sorted(against.front.tolist()) == [[0.0, 1.0], [0.4, 0.4], [1.0, 0.0]]
    assert against.reference.tolist() == [1.1, 1.1]
    assert against.volume == pytest.approx(1.1 * 0.1 + 0.7 * 0.6 + 0.1 * 0.4)


def test_regret_falls_from_one_and_waits_for_what_was_spent() -> None:
    against = yardstick([GOOD, BAD], KNOWN)
    course = regret_course(GOOD, against)
    assert course[0] == pytest.approx(1.0)
    assert course[1] == pytest.approx(1 - 0.49 / against.volume)
    assert course[2] == pytest.approx(1 - (0.49 + 0.4 * 0.1) / against.volume)
    assert at(GOOD, against, "shares", np.asarray([0.5, 1.0, 2.0, 2.9])) == pytest.approx([1, 1, course[1], course[1]])
    assert at(GOOD, against, "seconds", np.asarray([119.0, 120.0])) == pytest.approx([1, course[1]])


def test_short_trainings_and_broken_budgets_only_cost() -> None:
    against = yardstick([GOOD], KNOWN)
    cheap = run([[0.4, 0.4], [0.4, 0.4], [0.4, 0.4]], shares=[0.5, 1.0, 1.0], violations=[0.0, 1.0, 0.0])
    assert regret_course(cheap, against)[:2].tolist() == [1.0, 1.0]
    assert regret_course(cheap, against)[2] < 1
    assert at(cheap, against, "shares", np.asarray([2.4, 2.5]))[0] == 1.0
    assert at(cheap, against, "shares", np.asarray([2.5]))[0] < 1.0


def test_failed_trials_do_not_count() -> None:
    failed = run([[None, None], [0.0, 1.0]])
    assert regret_course(failed, yardstick([failed], KNOWN))[0] == 1.0
    assert recommended(failed).tolist() == [1]


def test_intervals_are_students() -> None:
    found = over_seeds([1.0, 2.0, 3.0, None])
    assert (found.mean.value, found.n) == (2.0, 3)
    assert found.mean.high == pytest.approx(2 + 4.302653 / np.sqrt(3))
    assert over_seeds([1.0]).mean.low is None
    assert over_seeds([None]).to_dict() == {"value": None, "low": None, "high": None, "n": 0}


def test_the_curve_has_a_band_and_ends_with_the_shortest_run() -> None:
    against = yardstick([GOOD, BAD], KNOWN)
    curve = regret_curve([GOOD, BAD, run([[2.0, 2.0], [0.4, 0.4]])], against, "shares")
    assert curve["x"][-1] == 2.0
    assert set(curve["n"]) == {3}
    assert curve["low"][-1] < curve["value"][-1] < curve["high"][-1]


def test_the_median_surface_is_what_half_of_the_runs_reached() -> None:
    runs = [run([[1.0, 1.0]]), run([[2.0, 2.0]]), run([[3.0, 3.0]])]
    assert attainment(runs) == [[2.0, 2.0]]
    assert attainment(runs, 1.0) == [[3.0, 3.0]]


def test_surfaces_of_three_objectives_and_none_of_four() -> None:
    runs = [run([[0.0, 1.0, 1.0]]), run([[1.0, 0.0, 1.0]]), run([[1.0, 1.0, 0.0]])]
    assert attainment(runs, 1.0) == [[1.0, 1.0, 1.0]]
    # Two of three runs reached what lies above the corners of each pair.
    assert attainment(runs, 2 / 3) == [[1.0, 1.0, 1.0]]
    one = sorted(attainment(runs, 1 / 3))
    assert one == [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    both = [run([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0]]), run([[1.0, 1.0, 0.0]])]
    assert sorted(attainment(both, 1.0)) == [[1.0, 2.0, 0.0], [2.0, 1.0, 0.0]]
    assert attainment([run([[1.0, 1.0, 1.0, 1.0]])]) == []


def test_uniform_is_reached_where_nothing_is_worse() -> None:
    assert time_to_uniform(GOOD, KNOWN["uniform"]) == (2.0, 120.0)
    assert time_to_uniform(BAD, KNOWN["uniform"]) is None
    assert time_to_uniform(GOOD, None) is None


def test_ranks_of_demsars_kind() -> None:
    found = ranks({"a": [1, 1, 1, 1], "b": [2, 2, 2, 3], "c": [3, 3, 3, 2]})
    assert found is not None
    assert found["ranks"] == {"a": 1.0, "b": 2.25, "c": 2.75}
    # Demšar 2006, table 5: q of three classifiers at 5 % is 2.343.
    assert found["critical_difference"] == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 4)), abs=1e-3)
    assert found["p_value"] == pytest.approx(0.0388, abs=1e-4)
    assert ranks({"a": [1, 1], "b": [2, 2]}) is None
    assert ranks({"a": [1], "b": [2], "c": [3]}) is None
    tied = ranks({name: [1.0, 1.0] for name in "abc"})
    assert tied is not None
    assert tied["p_value"] == 1.0


def test_correlation_says_whether_the_same_units_get_both() -> None:
    alike, opposed, flat = ([0, 0, 1, 2, 0, 1, 2], [0, 0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 0, 1, 2])
    for vector, expected in ((alike, 1.0), (opposed, -1.0), (flat, None)):
        found = correlations([run([[1.0, 1.0]], vectors=[vector])] * 2, 3)
        assert found == [None if expected is None else pytest.approx(expected)] * 2


def test_the_correlation_of_all_tasks_and_seeds_is_pooled_with_its_interval() -> None:
    alike, opposed, flat = [0, 0, 1, 2, 0, 1, 2], [0, 0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 0, 1, 2]
    references = {task: {**KNOWN, "space": {"units": 3}} for task in ("a", "b", "c")}
    runs = [run([[0.5, 0.5]], vectors=[alike], task="a", seed=seed) for seed in range(3)]
    runs += [run([[0.5, 0.5]], vectors=[opposed], task="b")]
    runs += [run([[0.5, 0.5]], vectors=[flat], task="c")]
    found = summary(runs, references, [1])["optima"]["random"]
    assert (found["value"], found["n"], found["tasks"]) == (pytest.approx(0.5), 4, 2)
    half = 3.182446 * np.std([1, 1, 1, -1], ddof=1) / 2
    assert found["high"] == pytest.approx(0.5 + half)
    assert summary(runs[-1:], references, [1])["optima"] == {}


def test_stability_compares_what_seeds_recommend_within_a_memory() -> None:
    first = run([[0.1, 9.0], [0.5, 1.0]], vectors=[[9, 9], [1, 2]])
    second = run([[0.7, 1.0]], vectors=[[1, 3]])
    alike, loss = stability([first, second], 2.0)
    assert alike.mean.value == 0.5
    assert loss.mean.value == pytest.approx(0.6)
    assert stability([first], 2.0)[0].mean.value is None


def test_the_summary_says_who_wins_and_where_ours_does_not() -> None:
    runs = [{**GOOD, "contender": "joint", "seed": seed} for seed in range(3)]
    runs += [{**BAD, "seed": seed} for seed in range(3)]
    runs.append({"contender": "milp", "task": "sums", "seed": 0, "status": "failed", "reason": "no memory"})
    found = summary(runs, {"sums": KNOWN}, [1, 2])
    facts = {(each["kind"], each["numbers"]["budget"]): each["numbers"] for each in found["findings"]["sentences"]}
    assert facts["ours against random", 1]["high"] >= 0
    assert facts["least regret", 2]["searcher"] == "joint"
    assert facts["least regret", 2]["regret"] == pytest.approx(0.14, abs=1e-3)
    assert facts["ours against random", 2]["high"] < 0
    assert facts["ours against random", 2]["n"] == 3
    assert len(found["sentences"]) == 4
    assert found["failed"] == [{"contender": "milp", "task": "sums", "seed": 0, "reason": "no memory"}]
    entry = found["tasks"]["sums"]["contenders"]
    assert (entry["joint"]["reached_uniform"], entry["random"]["reached_uniform"]) == (3, 0)
    assert entry["joint"]["regret"]["2"]["n"] == 3
    assert summary([], {"sums": KNOWN}, [1])["tasks"] == {}
