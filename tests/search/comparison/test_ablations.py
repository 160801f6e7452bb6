"""A stage is worth what the method loses without it, over the tasks and seeds that have both."""

import numpy as np
import pytest

from search.comparison.ablations import ablations
from search.comparison.metrics import Yardstick

# One objective pair: the regret of a run whose only point is (x, 0) is x.
UNIT = Yardstick(np.asarray([[0.0, 0.0]]), np.asarray([1.0, 1.0]), 1.0)


def run(contender: str, task: str, seed: int, regrets: list[float]) -> dict[str, object]:
    n = len(regrets)
    points = [[regret, 0.0] for regret in regrets]
    return {
        "contender": contender,
        "task": task,
        "seed": seed,
        "true": points,
        "shares": [1.0] * n,
        "violations": [0.0] * n,
    }


def test_differences_are_paired_over_tasks_and_seeds() -> None:
    runs = [
        run("qr_adaptor", "a", 0, [0.9, 0.5]),
        run("qr_adaptor", "a", 1, [0.8, 0.4]),
        run("qr_adaptor", "b", 0, [0.7, 0.3]),
        run("qr_adaptor", "b", 1, [0.7, 0.3]),
        run("qr_adaptor_without_start", "a", 0, [0.9, 0.6]),
        run("qr_adaptor_without_start", "a", 1, [0.9, 0.6]),
        run("qr_adaptor_without_start", "b", 0, [0.8]),
        run("qr_adaptor_without_evolution", "b", 1, [0.6, 0.1]),
        run("joint_without_batch", "b", 1, [0.6, 0.1]),
        run("random", "b", 1, [0.6, 0.1]),
    ]
    start, evolution = ablations(runs, {"a": UNIT, "b": UNIT}, [1, 2])
    assert (start["whole"], start["stage"]) == ("qr_adaptor", "start")
    assert start["differences"]["1"]["value"] == pytest.approx((0.0 + 0.1 + 0.1) / 3)
    two = start["differences"]["2"]
    assert (two["value"], two["n"]) == (pytest.approx(0.15), 2)
    assert two["low"] == pytest.approx(0.15 - 12.7062 * 0.05, abs=1e-4)
    assert evolution["stage"] == "evolution"
    assert evolution["differences"]["2"]["value"] == pytest.approx(-0.2)
    assert evolution["differences"]["2"]["low"] is None
