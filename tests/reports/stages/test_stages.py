"""The whole pipeline on a fake runner: what is made, what is skipped, and what a failed trial does to it."""

import json
import shutil
import sqlite3
from collections import Counter
from dataclasses import replace

import pytest

from collectors.campaign.design import design
from collectors.campaign.pilot import pilot
from collectors.executors import InlineExecutor
from datasets_cache.shelf import shelf as shelf_module
from perfmodel.errors import (
    CorruptFileError,
    InfeasibleBudgetError,
    InvalidConfigurationError,
    NotEnoughTracesError,
    OutputFolderError,
    StageOrderError,
    StoreBusyError,
    UnknownNameError,
)
from perfmodel.files.checksum import sha256_of
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.store import TraceStore
from reports.run.run import Run
from reports.run.suite import parse_suite
from reports.run.trial_plans import planned_trials
from reports.stages.stages import STAGES, report_path, run_stages

NAMES = [stage.name for stage in STAGES]


class Bench:
    """Runs stages of one folder on a fake runner and keeps what was said.

    Args:
        values: of the suite.
        folder: of the run.
        runner: in place of real fine-tunes.
    """

    def __init__(self, values, folder, runner):
        self.values, self.folder, self.runner = values, folder, runner
        self.said = []

    def run(self, until="report", *, alone=False, **changes):
        self.said.clear()
        suite = parse_suite({**self.values, **changes})
        run = Run(suite, self.folder, "bench run fake", self.said.append, lambda run: InlineExecutor(self.runner))
        run_stages(run, until, alone=alone)
        return run

    @property
    def started(self):
        lines = [line for line in self.said if not line.endswith(": up to date")]
        return [name for name in (line.partition(":")[0] for line in lines) if name in NAMES]

    def read(self, name):
        return json.loads((self.folder / name).read_text())


@pytest.fixture
def bench(suite_values, tmp_path, fake_runner):
    return Bench(suite_values, tmp_path / "run", fake_runner())


@pytest.fixture(scope="module")
def finished_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("finished") / "run"


@pytest.fixture
def finished(suite_values, tmp_path, fake_runner, finished_folder):
    """A run whose every stage is done, in a copy of its folder; it is made once for all tests."""
    if not finished_folder.exists():
        Bench(suite_values, finished_folder, fake_runner()).run()
    shutil.copytree(finished_folder, tmp_path / "run")
    return Bench(suite_values, tmp_path / "run", fake_runner())


def test_every_stage_leaves_its_output(finished):
    made = {path.relative_to(finished.folder).as_posix() for path in finished.folder.rglob("*") if path.is_file()}

    assert made >= {
        "suite.json",
        "manifest.json",
        "traces.sqlite",
        "collect/traces.parquet",
        "fit/predictor/predictor.json",
        "fit/effects.json",
        "search/history.json",
        "search/front.json",
        "validate/plan.json",
        "validate/traces.parquet",
        "report/report.html",
        "report/report.json",
    }
    assert report_path(finished.folder).is_file()


def test_the_suite_that_is_kept_makes_the_same_suite_again(finished):
    assert parse_suite(finished.read("suite.json")) == parse_suite(finished.values)


def test_trials_are_the_plan_and_then_the_front_with_fresh_seeds(finished):
    collected = read_traces(finished.folder / "collect" / "traces.parquet")
    validated = read_traces(finished.folder / "validate" / "traces.parquet")

    assert Counter((trace.asked.source, trace.asked.seed) for trace in collected) == {
        ("baseline", 0): 5,  # rank 64 is not in this space
        ("baseline", 1): 5,
        ("plan", 0): 14,
        ("plan", 1): 4,
    }
    assert {trace.asked.seed for trace in validated} == {101, 102}
    with TraceStore(finished.folder / "traces.sqlite") as store:
        assert store.keys() == {trace.asked.key for trace in collected + validated}


def test_the_record_is_json_that_any_reader_can_open(finished):
    record = finished.read("report/report.json")

    json.dumps(record, allow_nan=False)
    assert record["counts"] == {
        "prior_traces": 0,
        "prior_source": None,
        "collected": 28,
        "validated": 7,
        "failed": 0,
        "left_out": {"training": 3, "calibration": 0, "held-out": 1},
    }
    assert record["name"] == "fake"
    assert record["command"] == "bench run fake"
    assert record["elapsed_s"] == pytest.approx((28 + 7) * (2.0 + 4 * 0.5 + 2 * 1.0))
    assert record["question_blind"]["loss"] > 0
    assert set(record["checksums"]) >= {"collect/traces.parquet", "search/front.json", "validate/traces.parquet"}


def test_the_record_says_what_was_predicted_and_what_was_measured(finished):
    record = finished.read("report/report.json")
    traces = read_traces(finished.folder / "validate" / "traces.parquet")

    assert Counter(row["role"] for row in record["validation"]) == {"front": 2, "random": 1, "reference": 1}
    for row in record["validation"]:
        own = [trace for trace in traces if trace.asked.configuration.identifier == row["id"]]
        losses = [trace.measured.held_out_loss for trace in own]
        measured = row["measured"]["held_out_loss"]
        assert row["seeds"] == [trace.asked.seed for trace in own]
        assert measured["values"] == losses
        assert measured["value"] == pytest.approx(sum(losses) / len(losses))
        assert len(losses) == (1 if row["role"] == "random" else 2)
        if len(losses) == 1:
            continue
        half = 6.313752 * abs(losses[0] - losses[1]) / 2  # Student's t for one degree of freedom
        assert measured["high"] - measured["value"] == pytest.approx(half, rel=1e-4)
        assert row["predicted"]["held_out_loss"]["low"] <= row["predicted"]["held_out_loss"]["high"]
    assert record["prediction_check"]["held_out_loss"]["n"] == 5  # references may have been seen


def test_the_front_is_no_worse_than_what_was_measured_for_it(finished):
    """The formula is learnable: the errors of the front's predicted peaks are small."""
    record = finished.read("report/report.json")

    assert record["prediction_check"]["peak_memory_bytes"]["mean_absolute_relative_error"] < 0.2
    values = record["hypervolume"]["searchers"]["random"]["values"]
    assert values == sorted(values)
    assert values[-1] > 0


def test_a_campaign_by_design_runs_what_the_design_says(bench):
    run = bench.run("collect", collect={"plan": "design", "plan_seed": 3, "seeds": [0, 1]})
    asked = design(run.space, run.setting, seeds=(0, 1), plan_seed=3)
    traces = read_traces(bench.folder / "collect" / "traces.parquet")
    assert {trace.asked.key for trace in traces} == {each.key for each in asked}


def test_a_pilot_is_told_axis_by_axis_and_leaves_other_recipes_out_of_what_models_learn(bench):
    run = bench.run("collect", collect={"plan": "pilot", "seeds": [0, 1, 2, 3]})
    asked = {each.key for each in pilot(run.space, run.setting, seeds=range(4))}
    assert {trace.asked.key for trace in read_traces(bench.folder / "collect" / "pilot.parquet")} == asked
    kept = read_traces(bench.folder / "collect" / "traces.parquet")
    assert 0 < len(kept) < len(asked)
    assert {trace.asked.setting.identifier for trace in kept} == {run.setting.identifier}
    page = (bench.folder / "collect" / "pilot.md").read_text()
    assert page.startswith("## One axis at a time\n\n") and "| learning rate |" in page


@pytest.mark.parametrize("plan", ["capacity", "run_lengths"])
def test_a_plan_is_cut_short_on_request_and_goes_on_later(bench, plan):
    changes = {"space": {"ranks": [0, 1, 2, 4, 8, 16]}}
    bench.run("collect", collect={"plan": plan, "trials": 4}, **changes)
    first = [each.key for each in bench.runner.asked]
    run = bench.run("collect", collect={"plan": plan, "trials": 30}, **changes)
    asked = [each.key for each in bench.runner.asked]

    assert len(first) == 4 and asked[:4] == first and len(set(asked)) == len(asked) == len(planned_trials(run))
    assert {trace.asked.key for trace in read_traces(bench.folder / "collect" / f"{plan}.parquet")} == set(asked)


def test_what_is_up_to_date_is_not_done_again(finished):
    finished.run()

    assert finished.started == []
    assert [line for line in finished.said if line.endswith("up to date")] == [f"{name}: up to date" for name in NAMES]
    assert finished.runner.asked == []


@pytest.mark.parametrize(
    ("changes", "until", "started"),
    [
        ({"search": {"evaluations": {"random": 50}}}, "search", ["search"]),
        ({"fit": {"surrogates": ["constant"]}}, "search", ["fit", "search"]),
        ({"collect": {"configurations": 15, "repeated": 4, "seeds": [0, 1]}}, "fit", ["collect", "fit"]),
        ({"recipe": {"steps": 5, "curve_points": 1}}, "collect", ["collect"]),
        ({"validate": {"front": 1, "random": 1, "references": 0}}, "validate", ["validate"]),
        ({"objectives": ["peak_memory_bytes", "held_out_loss"]}, "search", ["search"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_changed_section_runs_the_stages_that_depend_on_it(finished, changes, until, started):
    finished.run(until, **changes)

    assert finished.started == started


def test_a_budget_that_changes_nothing_reaches_the_report_without_a_fine_tune(finished):
    loose = {"peak_memory_bytes": 1e15}
    finished.run(budget=loose)

    assert finished.started == ["search", "validate", "report"]  # what is validated depends on the budget
    assert finished.runner.asked == []  # the front came out the same, and the store holds its fine-tunes
    assert finished.read("report/report.json")["budget"] == loose


def test_more_trials_do_not_repeat_those_in_the_store(finished):
    finished.run("collect", collect={"configurations": 14, "repeated": 4, "seeds": [0, 1, 2]})

    assert {asked.seed for asked in finished.runner.asked} == {2}
    assert len(finished.runner.asked) == 9


def test_more_workers_change_no_later_stage(finished):
    finished.run("search", collect={**finished.values["collect"], "workers": 3})

    assert finished.started == ["collect"]
    assert finished.runner.asked == []


def test_an_output_that_was_changed_by_hand_is_made_again(finished):
    (finished.folder / "search" / "front.json").write_text("[]")
    finished.run("search")

    assert finished.started == ["search"]
    assert finished.read("search/front.json")


def test_a_stage_alone_leaves_the_others_alone(finished):
    (finished.folder / "search" / "front.json").unlink()
    finished.run("search", alone=True)

    assert finished.started == ["search"]


@pytest.mark.parametrize("until", NAMES[1:])
def test_a_stage_alone_without_the_ones_before_says_which_to_run(bench, until):
    with pytest.raises(StageOrderError, match=rf"stage collect has no current output.*{until} reads it.*bench collect"):
        bench.run(until, alone=True)
    assert bench.runner.asked == []
    assert bench.started == []


def test_a_stage_alone_refuses_outputs_of_another_suite(finished):
    with pytest.raises(StageOrderError, match=r"stage fit has no current output"):
        finished.run("search", alone=True, fit={"surrogates": ["constant"]})


@pytest.mark.parametrize("until", ["fit", "search", "report"])
def test_a_second_driver_is_refused_and_changes_nothing(finished, until):
    """Stages that write no trace too: a run must not report with another's surrogates."""
    run = finished.run()
    kept = finished.read("suite.json")
    with run.held(), pytest.raises(StoreBusyError, match="in use by another driver"):
        finished.run(until, alone=True)
    assert finished.read("suite.json") == kept and finished.started == []
    finished.run(until, alone=True)


def test_trials_that_fail_are_told_and_do_not_end_the_run(bench):
    """One plan trial runs out of memory; in validation every random configuration diverges."""

    def outcome(asked):
        if asked.source == "validation":
            return "diverged" if asked.seed == 102 else "ok"
        return "oom" if asked.source == "plan" and asked.configuration.bits[0] == 16 else "ok"

    bench.runner.outcome = outcome
    bench.run()

    record = bench.read("report/report.json")
    failed = [point for point in record["training_points"] if point["status"] == "oom"]
    assert failed
    assert all(value is None for point in failed for value in point["metrics"].values())
    assert record["counts"]["failed"] == len(failed) + 3
    several = [row for row in record["validation"] if row["role"] != "random"]
    assert several
    for row in several:
        assert row["status"] == {"ok": 1, "diverged": 1}
        assert row["reason"] == "made to be diverged"
        assert row["measured"]["held_out_loss"]["n"] == 1
        assert row["measured"]["held_out_loss"]["low"] is None  # one run has no interval
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("status", ["oom", "failed"])
def test_a_validation_where_nothing_ran_has_no_numbers(finished, status):
    finished.runner.outcome = lambda asked: status
    finished.run(validate={"front": 2, "random": 1, "references": 1, "seeds": [201]})

    record = finished.read("report/report.json")
    for row in record["validation"]:
        assert row["status"] == {status: 1}
        assert {estimate["value"] for estimate in row["measured"].values()} == {None}
    assert {check["n"] for check in record["prediction_check"].values()} == {0}
    assert {check["mean_absolute_relative_error"] for check in record["prediction_check"].values()} == {None}


def test_a_validation_of_nothing_is_reported_as_nothing(finished):
    seen = read_traces(finished.folder / "collect" / "traces.parquet")[0].asked.configuration.to_dict()
    point = {**finished.read("search/front.json")[0], "configuration": seen}
    (finished.folder / "search" / "front.json").write_text(json.dumps([point]))
    manifest = finished.read("manifest.json")
    manifest["search"]["outputs"]["search/front.json"] = sha256_of(finished.folder / "search" / "front.json")
    (finished.folder / "manifest.json").write_text(json.dumps(manifest))

    finished.run(validate={"front": 1, "random": 0, "references": 0})

    record = finished.read("report/report.json")
    assert finished.started == ["validate", "report"]
    assert record["validation"] == []
    assert {check["n"] for check in record["prediction_check"].values()} == {0}


def test_a_budget_that_nothing_meets_is_told_with_the_best_there_is(finished):
    with pytest.raises(InfeasibleBudgetError, match=r"no configuration meets the budget peak_memory_bytes 2e\+06"):
        finished.run("search", budget={"peak_memory_bytes": "2MB"})


def test_too_few_traces_are_told(bench):
    bench.runner.outcome = lambda asked: "ok" if asked.configuration.is_uniform else "oom"
    with pytest.raises(NotEnoughTracesError, match=r"at least 10 configurations"):
        bench.run("fit")


def test_data_of_ones_own_get_enough_configurations_and_published_data_few(bench, monkeypatch):
    del bench.values["collect"]
    run = Run(parse_suite(bench.values), bench.folder, "bench run fake", str)
    alone = {asked.configuration for asked in planned_trials(run)}
    run.__dict__["shelf_traces"] = [bench.runner(asked) for asked in planned_trials(run)]

    assert len(alone) == 10 + 5  # and the uniform choices that this space holds
    assert len(planned_trials(run)) == 2


def test_too_few_repeats_leave_the_axes_unknown(bench):
    bench.run("fit", collect={"configurations": 14})

    effects = bench.read("fit/effects.json")
    assert effects["effects"] is None
    assert "repeated runs" in effects["reason"]


def test_an_interrupted_run_keeps_what_was_measured_and_goes_on_from_there(bench):
    def interrupt(asked):
        if len(bench.runner.asked) > 5:
            raise KeyboardInterrupt
        return "ok"

    bench.runner.outcome = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.run("collect")
    store = sqlite3.connect(bench.folder / "traces.sqlite")
    assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert store.execute("SELECT count(*) FROM traces").fetchall() == [(5,)]
    store.close()
    kept = {asked.key for asked in bench.runner.asked[:5]}

    bench.runner.outcome = lambda asked: "ok"
    bench.runner.asked.clear()
    bench.run("collect")
    assert len(bench.runner.asked) == 23
    assert not kept & {asked.key for asked in bench.runner.asked}


def test_published_traces_of_the_same_setting_join_the_runs_own(finished, tmp_path, monkeypatch):
    own = read_traces(finished.folder / "collect" / "traces.parquet")
    moved = [replace(trace, asked=replace(trace.asked, seed=trace.asked.seed + 50)) for trace in own]
    setting = replace(own[0].asked.setting, task_sha256="0" * 64)
    foreign = [replace(trace, asked=replace(trace.asked, setting=setting)) for trace in own[:3]]
    write_traces(moved + foreign, tmp_path / "shelf" / "tiny-v0" / "tiny-v0.parquet")
    (tmp_path / "shelf" / "tiny-v0" / "tiny-v0.md").write_text("# A card")
    monkeypatch.setattr(shelf_module, "SHELF_DATA", tmp_path / "shelf")

    finished.run("fit", fit={**finished.values["fit"], "shelf": "tiny-v0"})

    assert [line for line in finished.said if line.startswith("fit: ") and "56 traces, 28 of them" in line]
    assert finished.read("fit/predictor/predictor.json")["body"]["n_traces"]["held_out_loss"] == 56


def test_an_unknown_shelf_is_told_before_anything_runs(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(shelf_module, "SHELF_DATA", tmp_path)

    with pytest.raises(UnknownNameError, match=r"there is no shelf 'tiny-v9'"):
        bench.run(fit={"shelf": "tiny-v9"})
    assert bench.runner.asked == []


def test_a_rank_larger_than_the_layer_is_told_before_anything_runs(bench):
    with pytest.raises(InvalidConfigurationError, match=r"rank 64 is larger than the layer"):
        bench.run(space={})
    assert bench.runner.asked == []


def test_a_folder_that_cannot_be_written_is_told(bench, tmp_path):
    (tmp_path / "file").write_text("")
    bench.folder = tmp_path / "file" / "run"

    with pytest.raises(OutputFolderError, match=r"cannot be written.*--folder"):
        bench.run()


def test_a_folder_without_the_right_to_write_is_told(bench, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # tests may run as root, whom no permission stops

    with pytest.raises(OutputFolderError, match=r"permission denied"):
        bench.run()


@pytest.mark.parametrize("file", ["manifest.json", "traces.sqlite"])
def test_a_damaged_file_of_the_run_is_told_and_left(finished, file):
    (finished.folder / file).write_bytes(b"garbage" * 300)

    with pytest.raises(CorruptFileError, match=file):
        finished.run("collect", collect={"configurations": 1})
    assert (finished.folder / file).read_bytes() == b"garbage" * 300


def test_the_same_command_retries_what_failed_where_it_shall(bench):
    bench.runner.outcome = lambda asked: "ok" if asked.configuration.is_uniform else "failed"
    collect = {**bench.values["collect"], "retry": ["failed"]}
    bench.run("collect", collect=collect)
    bench.runner.asked.clear()
    bench.runner.outcome = lambda asked: "ok"
    bench.run("collect", collect=collect)
    assert bench.runner.asked and not any(asked.configuration.is_uniform for asked in bench.runner.asked)
    bench.runner.asked.clear()
    bench.run("collect", collect=collect)
    assert not bench.runner.asked and bench.said == ["collect: up to date"]


def test_an_accuracy_of_zero_everywhere_is_said_and_the_report_comes(bench):
    real = bench.runner

    def without_a_right_answer(asked):
        trace = real(asked)
        return replace(trace, measured=replace(trace.measured, accuracy=0.0))

    bench.runner = without_a_right_answer
    bench.run()
    assert any(line.startswith("accuracy is 0 in all 28 fine-tunes") for line in bench.said)
    assert report_path(bench.folder).is_file()
