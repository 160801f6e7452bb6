"""The page on the surrogates: every score of the shelf's traces is in it, bad news is said, and a run writes it."""

import copy
import json
import re
from dataclasses import replace

import pytest
from first_traces import first_traces

from collectors.executors import InlineExecutor
from datasets_cache.shelf.sensitivities import load_sensitivities
from perfmodel.errors import NotEnoughTracesError, UnknownNameError
from perfmodel.evaluation.ablation import DEFAULT_GROUPS
from perfmodel.evaluation.selection import judge
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.sensitivity_columns import SENSITIVITY_GROUPS
from perfmodel.features.training_data import training_data
from perfmodel.model.architecture import Architecture
from perfmodel.space.metrics import PEAK
from reports.figures.quantity import UNKNOWN, estimate_text
from reports.fit import knowledge as fit_knowledge
from reports.fit import tables as fit_tables
from reports.fit.figures import fit_drawings
from reports.fit.page import NOTES, fit_page
from reports.fit.record import fit_record, report_of_run
from reports.pages.write import write_page
from reports.run.run import Run
from reports.run.suite import parse_suite
from reports.stages.stages import run_stages

METRIC = "held_out_loss"
NAMES = ["constant", "additive"]


@pytest.fixture(scope="module")
def traces():
    """The first published traces, of five tasks."""
    return first_traces(87)


@pytest.fixture(scope="module")
def ours(traces):
    return [trace for trace in traces if trace.asked.setting.task == "chain_sum"]


@pytest.fixture(scope="module")
def architecture(smollm2_config):
    return Architecture.from_config(smollm2_config)


@pytest.fixture(scope="module")
def record(ours, traces, architecture):
    return fit_record(ours, traces, architecture, metrics=[METRIC], surrogates=NAMES, sizes=(20,))


@pytest.fixture
def entry(record):
    """A copy that a test may change."""
    return copy.deepcopy(record["metrics"][METRIC])


def line_of(entry, split, surrogate):
    return next(each for each in entry["lines"] if (each["split"], each["surrogate"]) == (split, surrogate))


def test_the_record_says_what_it_was_made_from(record):
    assert (record["n_traces"], record["n_configurations"], record["n_failed"]) == (48, 38, 0)
    assert record["other_traces"] == {
        "number_sequence": 16,
        "word_sequence_reversal": 17,
        "basic_arithmetic": 3,
        "decimal_chain_sum": 3,
    }
    json.dumps(record, allow_nan=False)


def test_the_split_by_configuration_scores_what_a_predictor_is_chosen_by(entry, ours, architecture):
    data = training_data(ours, METRIC, Featurizer(architecture, device_class="cpu", optimizer="adamw"))
    expected = judge(data, NAMES).scores[1].scores
    found = line_of(entry, "configuration", "additive")["scores"]
    for name in ("r2", "spearman", "kendall", "error_ratio_to_constant", "coverage_90"):
        assert found[name]["value"] == pytest.approx(expected[name].value)


def test_every_split_surrogate_and_score_has_a_cell(entry):
    table = fit_tables.scores_table(entry)
    assert [row[:2] for row in table.rows] == [
        (fit_tables.SPLIT_LABELS[split], name)
        for split in ("random", "configuration", "searcher", "extrapolation", "task")
        for name in NAMES
    ]
    assert sum(count for _, count in table.groups) == len(table.head) == 21
    assert all(len(row) == 21 for row in table.rows)
    row = next(row for row in table.rows if row[:2] == ("by configuration", "additive"))
    scores = line_of(entry, "configuration", "additive")["scores"]
    shown = [name for _, cells in fit_tables.COLUMNS for name, _ in cells]
    assert row[3 + shown.index("kendall_of_ceiling")] == estimate_text(scores["kendall_of_ceiling"])
    assert row[3 + shown.index("coverage_90")] == estimate_text(scores["coverage_90"])


def test_what_falls_short_is_said(entry):
    text = "\n".join(fit_tables.sentences(entry))
    assert "Leave one model out: not shown, there is only one base model (smollm2-135m)." in text
    assert "Shuffled targets: every surrogate scores 0 within its interval." in text
    assert "is not between 87 and 93\u00a0% for" in text and "leave one searcher out (" in text
    assert "with 10 own traces" in text
    assert (
        "Noise ceiling, from 48 runs of 38 configurations, 5 of them repeated: R² 0.9"
        in fit_tables.ceiling_sentence(entry)
    )


def test_a_surrogate_that_beats_nothing_is_not_called_the_best(entry):
    line_of(entry, "configuration", "additive")["scores"]["error_ratio_to_constant"] |= {"value": 1.2, "high": 1.5}
    line_of(entry, "random", "additive")["scores"]["error_ratio_to_constant"] |= {"value": 0.9, "high": 1.1}
    text = fit_tables.sentences(entry)
    assert text[1] == "By configuration: no surrogate has a smaller error than the constant."
    assert text[0].endswith("times the constant's, not beyond chance.")


def test_a_control_that_ranks_shuffled_targets_is_called_out(entry):
    entry["control"]["additive"] = {"value": 0.5, "low": 0.3, "high": 0.7}
    assert any("additive did not score 0" in sentence for sentence in fit_tables.sentences(entry))
    assert fit_tables.control_table(entry).rows == (("additive", "0.50 [0.30, 0.70]", "above 0: something may leak"),)


def test_transfer_stands_beside_scratch_and_nothing_stands_where_there_is_no_model(entry):
    rows = {row[1]: row for row in fit_tables.transfer_table(entry).rows}
    assert list(rows) == ["0", "10", "20"]
    assert rows["0"][3] == rows["0"][7] == UNKNOWN != rows["0"][2]
    assert fit_tables.transfer_table(entry).head[2:4] == ("from other tasks", "from scratch")
    entry["transfer"], entry["without_transfer"] = [], "there is one task"
    assert fit_tables.transfer_table(entry).rows == ()
    assert any(s == "Transfer from other tasks: not shown, there is one task." for s in fit_tables.sentences(entry))


def test_every_group_of_features_has_its_worth_and_those_beyond_chance_are_named(entry):
    table = fit_tables.worth_table(entry)
    assert table.head == ("Features", "Told by", "Columns", "additive")
    told = [row[:2] for row in table.rows]
    assert told[:4] == [(name, "leaving them out") for name in DEFAULT_GROUPS]
    assert len(told) == len(DEFAULT_GROUPS) + 2 * len(SENSITIVITY_GROUPS) + 1
    worth = entry["worths"][0]
    assert table.rows[0][3] == estimate_text(worth["worth"], 3)
    for each in entry["worths"]:
        each["worth"] |= {"value": 0.5, "low": -1.0, "high": 1.0}
    assert any(sentence.endswith("or more: help none; harm none.") for sentence in fit_tables.sentences(entry))
    worth["worth"] |= {"low": 0.1}
    entry["worths"][1]["worth"] |= {"high": -0.1}
    entry["worths"][2]["worth"] |= {"value": 1e-4, "low": 1e-5}  # sure, and next to nothing
    assert any(
        sentence.endswith("help raw choices (additive, leaving them out); harm summaries (additive, leaving them out).")
        for sentence in fit_tables.sentences(entry)
    )


def test_sensitivities_that_are_not_of_these_traces_are_not_used(ours, architecture, monkeypatch):
    def of_other_weights(*names):
        return replace(load_sensitivities(*names), model_sha256="0" * 64)

    featurizer = Featurizer(architecture, device_class="cpu", optimizer="adamw")
    monkeypatch.setattr(fit_knowledge, "load_sensitivities", of_other_weights)
    monkeypatch.setattr(fit_knowledge, "feature_worths", lambda *_, **__: [])
    entry = fit_knowledge.worth_entry(ours, METRIC, architecture, featurizer, NAMES, seed=0)
    assert entry == {
        "worths": [],
        "without_sensitivities": "the sensitivities of smollm2-135m on chain_sum are of other weights or examples",
    }
    assert fit_knowledge.worth_entry(ours, "step_time_s", architecture, featurizer, NAMES, seed=0) == {
        "worths": [],
        "without_sensitivities": "",
    }


def test_losses_before_fine_tuning_stand_beside_scratch(entry):
    table = fit_tables.starts_table(entry)
    assert [row[1] for row in table.rows] == ["0", "10", "20"] and len(table.head) == 14
    assert table.head[2:6] == (
        "from step 0 predicted",
        "from step 0 measured",
        "from other tasks and step 0",
        "from scratch",
    )
    assert table.rows[0][5] == UNKNOWN and UNKNOWN not in table.rows[1]
    ten = next(point for point in entry["starts"] if (point["start"], point["traces"]) == ("step 0 measured", 10))
    assert table.rows[1][3] == estimate_text(ten["r2"])
    text = "\n".join(fit_tables.sentences(entry))
    assert "From step 0 measured, error over that from scratch: " in text
    entry |= {"starts": [], "without_starts": "nothing was evaluated"}
    assert fit_tables.starts_table(entry).rows == ()
    assert "Losses before fine-tuning: not shown, nothing was evaluated." in fit_tables.sentences(entry)


def test_without_repeats_there_is_no_ceiling_and_the_reason_is_given(ours, architecture):
    alone = [trace for trace in ours if trace.asked.seed == 0]
    record = fit_record(alone, [], architecture, metrics=[METRIC], surrogates=["constant"], sizes=())
    entry = record["metrics"][METRIC]
    assert entry["ceiling"] is None
    assert "0 repeated runs" in fit_tables.ceiling_sentence(entry)
    assert set(entry["undone"]) == {"task", "model"}
    assert any(sentence.startswith("Transfer from other tasks") for sentence in fit_tables.sentences(entry))


def test_bytes_are_shown_as_bytes(entry):
    entry["metric"] = "peak_memory_bytes"
    line = line_of(entry, "configuration", "additive")
    line["scores"]["crps"] = {"value": 12.3e6, "low": 11e6, "high": 14e6}
    row = next(row for row in fit_tables.scores_table(entry).rows if row[:2] == ("by configuration", "additive"))
    assert "11.73 [10.49, 13.35] MiB" in row


def test_figures_show_curves_calibration_and_transfer(entry):
    names = [drawing.name for drawing in fit_drawings(entry)]
    assert names == [f"{kind}-{METRIC}" for kind in ("curve", "calibration", "transfer")]
    curve, calibration, transfer = fit_drawings(entry)
    assert curve.data[0]["x"] == [20.0, 38.4]
    assert len(calibration.data) == 3 and len(calibration.data[1]["y"]) == 19
    ways = ("other tasks", "scratch", "step 0 measured")
    assert [trace["name"] for trace in transfer.data] == [f"additive from {way}" for way in ways]
    assert [drawing.name for drawing in fit_drawings(entry | {"transfer": []})] == names[:2]


def test_page_and_summary_say_the_same(record, tmp_path):
    page = write_page(tmp_path / "fit", "scores", record, fit_page(record)).read_text()
    summary = (tmp_path / "fit" / "scores.md").read_text()
    assert json.loads((tmp_path / "fit" / "scores.json").read_text()) == json.loads(json.dumps(record))
    scores = line_of(record["metrics"][METRIC], "extrapolation", "additive")["scores"]
    cell = estimate_text(scores["r2"])
    assert cell in page and cell.replace("[", "\\[").replace("]", "\\]") in summary
    assert "leave one searcher out" in page and "leave one searcher out" in summary
    assert NOTES[0][:40] in re.sub("<[^>]+>", "", page) and "http-equiv" in page and 'src="http' not in page


def test_a_run_writes_it_to_its_folder(suite_values, fake_runner, tmp_path):
    suite = parse_suite(
        suite_values | {"fit": {"surrogates": ["constant"], "metrics": [METRIC, "accuracy", "peak_memory_bytes"]}}
    )
    run = Run(suite, tmp_path / "run", "bench run fake", lambda _: None, lambda _: InlineExecutor(fake_runner()))
    run_stages(run, "collect")
    path = report_of_run(run)
    assert path == tmp_path / "run" / "scores" / "scores.html"
    record = json.loads(path.with_suffix(".json").read_text())
    assert list(record["metrics"]) == [METRIC, "accuracy", "peak_memory_bytes"] and record["n_traces"] == 28
    assert record["other_traces"] == {}


def test_unknown_names_and_too_few_traces_are_refused(ours, architecture):
    with pytest.raises(UnknownNameError, match="oracle"):
        fit_record(ours, [], architecture, metrics=[METRIC], surrogates=["oracle"])
    with pytest.raises(NotEnoughTracesError, match="at least 10"):
        fit_record(ours[:6], [], architecture, metrics=[METRIC])


def test_the_closed_form_of_the_peak_is_judged_where_the_batch_that_peaks_is_known(ours, traces, architecture):
    entry = fit_record(ours, traces, architecture, metrics=[PEAK], surrogates=["constant"], sizes=())["metrics"][PEAK]
    splits = {line["split"] for line in entry["lines"] if line["surrogate"] == "closed_form"}
    assert {"random", "configuration", "extrapolation"} <= splits and not splits & {"task", "model"}
    assert line_of(entry, "configuration", "closed_form")["scores"]["r2"]["value"] > 0.999
    assert entry["control"]["closed_form"]["low"] <= 0
