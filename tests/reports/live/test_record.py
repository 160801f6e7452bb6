"""Searches on live trials: each spends its own fine-tunes, is kept, and stands on one page with the others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from collectors.executors import InlineExecutor
from perfmodel.errors import InvalidSuiteError, UnknownNameError
from reports.live.command import live_command
from reports.run.known import closed_form_memory
from reports.run.run import Run
from reports.run.suite import parse_suite

SEARCHERS = ("random", "nsga2_on_surrogate", "joint")


@pytest.fixture
def live(suite_values: dict[str, Any], tmp_path: Path, fake_runner: Callable[..., Any]) -> tuple[Run, Any]:
    made = fake_runner(lambda asked: "oom" if asked.seed == 301 and set(asked.configuration.bits) == {16} else "ok")
    run = Run(parse_suite(suite_values), tmp_path, "bench", lambda _: None, lambda _: InlineExecutor(made))
    return run, made


def test_three_searchers_on_one_page(live):
    run, made = live
    page = live_command(run, searchers=SEARCHERS, trials=6, seeds=(301,), batch=3)
    record = json.loads((page.parent / "compare.json").read_text())
    of_task = record["tasks"][run.setting.task_name]
    spent = {name: [asked for asked in made.asked if asked.source == name] for name in SEARCHERS}

    text = page.read_text()
    assert "on real fine-tunes" in text and "simulated" not in text and "without noise" not in text
    assert "real fine-tune" in (page.parent / "compare.md").read_text()
    assert page.name == "compare.html" and set(of_task["contenders"]) == set(SEARCHERS)
    assert all(0 < len(asked) <= 6 and {each.seed for each in asked} == {301} for asked in spent.values())
    assert len(spent["random"]) == len(spent["joint"]) == 6
    assert record["budgets"] == [2, 4, 6]
    volumes = [found["regret"]["6"]["value"] for found in of_task["contenders"].values()]
    assert all(0 <= value < 1 for value in volumes) and min(volumes) < max(volumes)


def test_what_was_searched_is_not_searched_again(live):
    run, made = live
    live_command(run, searchers=("random",), trials=4, seeds=(301,), batch=2)
    before = len(made.asked)
    live_command(run, searchers=("random",), trials=4, seeds=(301,), batch=2)
    assert len(made.asked) == before
    (run.folder / "live" / "random-301.json").unlink()
    live_command(run, searchers=("random",), trials=4, seeds=(301,), batch=2)
    assert len(made.asked) == before  # the same seed proposes the same trials, and the store has them


def test_a_searcher_knows_the_memory_of_a_run(live):
    run, _ = live
    memory = closed_form_memory(run, 301)
    few, many = memory(np.array([[0, *([0] * run.space.units), *([1] * run.space.units)],
                                 [0, *([3] * run.space.units), *([3] * run.space.units)]]))  # fmt: skip
    assert 0 < few < many


def test_seeds_that_training_saw_and_unknown_searchers_are_refused(live):
    run, made = live
    with pytest.raises(InvalidSuiteError, match="seeds 1"):
        live_command(run, searchers=("random",), trials=4, seeds=(1,), batch=2)
    with pytest.raises(UnknownNameError, match="on_surrogate"):
        live_command(run, searchers=("randm",), trials=4, seeds=(301,), batch=2)
    assert made.asked == []
