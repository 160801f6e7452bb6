"""Options become plans, mistakes are named at once, and a task is what its traces say."""

from pathlib import Path

import numpy as np
import pytest
from first_traces import first_traces

from datasets_cache import resolve
from perfmodel.errors import InvalidSuiteError, NotEnoughTracesError, UnknownNameError
from perfmodel.memory.load import typical_load
from perfmodel.model.architecture import Architecture
from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from reports.comparison.command import Options, compare_command, names, numbers
from search.comparison.tasks import (
    OBJECTIVES,
    StoredTasks,
    setting_traces,
    store_task,
    uniform_vector,
)


def options(folder: Path, **changes: object) -> Options:
    asked = {
        "suite": None,
        "shelf": "smollm2-v1b",
        "contenders": ("random",),
        "seeds": 1,
        "evaluations": (4,),
        "tasks": (),
        "workers": 1,
        "folder": folder,
    }
    return Options(**{**asked, **changes})  # type: ignore[arg-type]  # a test's changes are of the fields' types


def test_lists_are_read_once_each_and_numbers_rise() -> None:
    assert names(" joint, random,,joint ") == ("joint", "random")
    assert numbers("--seeds", "200,25, 50,25") == (25, 50, 200)
    with pytest.raises(InvalidSuiteError, match="write --seeds 25,50,100"):
        numbers("--seeds", "25,many")


def test_mistakes_are_named_before_anything_is_made(tmp_path: Path) -> None:
    for changes, message in (
        ({"contenders": ("oracle",)}, "'oracle' is unknown"),
        ({"shelf": "smollm9"}, "no shelf"),
        ({"shelf": None}, "neither a suite nor a shelf"),
        ({"evaluations": ()}, "numbers of 1 or more"),
        ({"tasks": ("chess",)}, "'chess' is unknown"),
        ({"surrogate": "oracle"}, "'oracle' is unknown"),
    ):
        with pytest.raises((InvalidSuiteError, UnknownNameError), match=message):
            compare_command(options(tmp_path / "new", **changes))
        assert not list(tmp_path.rglob("*.json"))


def test_the_traces_of_a_task_are_those_of_one_setting_and_space() -> None:
    traces = first_traces(73)
    own = setting_traces(traces, "chain_sum", Space(30))
    assert len(own) == 48
    assert len({trace.asked.setting.identifier for trace in own}) == 1
    with pytest.raises(NotEnoughTracesError, match="of other units"):
        setting_traces(traces, "chain_sum", Space(210))
    load = typical_load([trace for trace in own if trace.ok])
    assert load.batch_size == 8
    assert load.tokens == pytest.approx(np.median([trace.measured.largest_batch_tokens for trace in own]), abs=8)


def test_uniform_is_four_bits_and_rank_eight_on_the_whole_base() -> None:
    assert uniform_vector(Space(2)) == (0, 2, 2, 3, 3)
    assert uniform_vector(Space(2, bits=(2, 8))) is None
    assert uniform_vector(Space(2, pruning_rates=(0.2,))) is None


def test_a_task_needs_repeats_to_know_its_noise(tmp_path: Path) -> None:
    own = setting_traces(first_traces(73), "chain_sum", Space(30))
    single = {trace.asked.configuration: trace for trace in own}
    with pytest.raises(NotEnoughTracesError, match="two seeds"):
        store_task(tmp_path, "chain_sum", list(single.values()), Space(30), None, None)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.real
def test_a_task_of_three_objectives_answers_in_three_columns_with_noise(tmp_path: Path) -> None:
    own = setting_traces(first_traces(73), "chain_sum", Space(30))
    architecture = Architecture.from_config(resolve("smollm2-135m").config)
    three = (*OBJECTIVES, "step_time_s")
    store_task(tmp_path, "chain_sum", own, Space(30), architecture, None, three)
    made = StoredTasks(tmp_path)("chain_sum")
    vectors = sample(Space(30), 40, np.random.default_rng(0))
    noisy, plain = (made.problem(seed).evaluate_vectors(vectors).objectives for seed in (1, None))
    assert noisy.shape == (40, 3)
    assert (np.abs(noisy / plain - 1).mean(axis=0)[[0, 2]] > 1e-4).all()
    times = np.median([trace.measured.step_time_s for trace in own if trace.ok])
    assert 0.3 < np.median(plain[:, 2]) / times < 3
    before = (tmp_path / "tasks" / "chain_sum" / "task.json").read_bytes()
    store_task(tmp_path, "chain_sum", own, Space(30), architecture, None)
    assert (tmp_path / "tasks" / "chain_sum" / "task.json").read_bytes() != before


@pytest.mark.real
def test_a_task_is_the_surrogate_that_was_asked_for(tmp_path: Path) -> None:
    own = setting_traces(first_traces(73), "chain_sum", Space(30))
    architecture = Architecture.from_config(resolve("smollm2-135m").config)
    vectors = sample(Space(30), 40, np.random.default_rng(0))
    losses = {}
    for kind in ("additive", "constant"):
        store_task(tmp_path, "chain_sum", own, Space(30), architecture, None, surrogate=kind)  # one place: made anew
        losses[kind] = StoredTasks(tmp_path)("chain_sum").problem(None).evaluate_vectors(vectors).objectives[:, 0]
    table = StoredTasks(tmp_path, table=True)("chain_sum")
    assert table.measured is not None
    measured = {trace.asked.configuration: trace.measured.held_out_loss for trace in own if trace.ok}
    assert len(table.measured) == len(measured)
    assert table.problem(1).evaluate_vectors(table.measured[:1]).objectives[0, 0] in [
        trace.measured.held_out_loss for trace in own
    ]
    assert table.problem(None).evaluate_vectors(vectors).objectives.shape == (40, 2)
    assert len(set(losses["constant"])) == 1
    assert len(set(losses["additive"])) > 30


@pytest.mark.slow
@pytest.mark.real
def test_a_comparison_on_the_shelf_is_resumed(tmp_path: Path) -> None:
    asked = options(tmp_path, contenders=("random", "joint"), tasks=("chain_sum",), evaluations=(8, 16), reference=400)
    page = compare_command(asked)
    assert "joint" in page.read_text()
    runs = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.json")}
    assert len(runs) == 2
    compare_command(
        options(tmp_path, contenders=("random", "joint"), tasks=("chain_sum",), reference=400, seeds=2, workers=2)
    )
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.json")}
    assert len(after) == 4
    assert all(after[path] == made for path, made in runs.items())
