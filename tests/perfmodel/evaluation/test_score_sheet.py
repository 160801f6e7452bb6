"""Every split is there or says why not, scores are those of the traces, and the controls can fail."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.effects.noise_ceiling import noise_ceiling
from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.named_splits import SPLITS
from perfmodel.evaluation.score_lines import SCORES
from perfmodel.evaluation.score_sheet import (
    comparable,
    learning_curve,
    score_sheet,
    shuffled_control,
    split_lines,
)
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import pooled_data, training_data
from perfmodel.statistics.interval import Estimate


@pytest.fixture(scope="module")
def featurizer(tiny):
    return Featurizer(tiny, device_class="cuda", optimizer="adamw")


@pytest.fixture(scope="module")
def traces(fake_traces):
    """60 configurations, 8 of them run three times, half of them proposed by each of two searchers."""
    made = fake_traces(60, seeds=3, repeated=8, noise=0.03)
    half = len(made) // 2
    return [replace(t, asked=replace(t.asked, source="random" if i < half else "nsga2")) for i, t in enumerate(made)]


def of_task(traces, task, factor=1.0):
    """The same configurations on another task whose loss is so many times as high."""
    made = []
    for trace in traces:
        setting = replace(trace.asked.setting, task=task, task_sha256=task.ljust(64, "0"))
        measured = replace(trace.measured, held_out_loss=factor * trace.measured.held_out_loss)
        made.append(replace(trace, asked=replace(trace.asked, setting=setting), measured=measured))
    return made


@pytest.fixture(scope="module")
def data(traces, featurizer):
    return training_data(traces, "held_out_loss", featurizer)


@pytest.fixture(scope="module")
def pooled(traces, featurizer):
    several = [*traces, *of_task(traces, "other", 3.0), *of_task(traces[:4], "barely", 3.0)]
    settings = {trace.asked.setting.identifier for trace in several}
    return pooled_data(several, "held_out_loss", dict.fromkeys(settings, featurizer))


@pytest.fixture(scope="module")
def sheet(data, pooled, traces):
    best = noise_ceiling(traces, "held_out_loss")
    return score_sheet(data, ["constant", "additive"], pooled=pooled, ceiling=best, sizes=(25,))


def test_every_split_has_a_line_or_a_reason(sheet):
    shown = {line.split for line in sheet.lines}
    assert shown | set(sheet.undone) == set(SPLITS) and not shown & set(sheet.undone)
    assert sheet.undone == {"model": "there is only one base model (tiny)"}
    assert all(tuple(line.scores) == SCORES for line in sheet.lines)
    assert (sheet.n_traces, sheet.n_configurations) == (76, 60)


def test_what_can_be_learnt_is_and_is_measured_against_the_ceiling(sheet, traces):
    (additive,) = (line for line in sheet.lines if (line.split, line.surrogate) == ("configuration", "additive"))
    scores, best = additive.scores, noise_ceiling(traces, "held_out_loss")
    assert scores["r2"].value > 0.85 and scores["spearman"].value > 0.9
    for name in ("r2", "spearman", "kendall"):
        share, score, highest = scores[f"{name}_of_ceiling"], scores[name], getattr(best, name).value
        assert share.value == pytest.approx(score.value / highest) and share.low == pytest.approx(score.low / highest)
    assert scores["sparse_kendall"].value > scores["kendall"].value
    assert scores["error_ratio_to_additive"].value == 1 and scores["error_ratio_to_constant"].high < 0.6
    assert 0.82 <= scores["coverage_90"].value <= 0.97 and 0.4 <= scores["coverage_50"].value <= 0.65
    assert scores["width_50"].value < scores["width_90"].value
    # Of a distance that is near its least, 0, resamples lie above.
    plain = [entry for name, entry in scores.items() if name != "calibration_error"]
    assert all(entry.low <= entry.value <= entry.high for entry in plain)


def test_a_constant_ranks_nothing_and_is_worse_than_the_additive_model(sheet):
    for line in sheet.lines:
        if line.surrogate == "constant":
            assert line.scores["spearman"] == line.scores["precision_at_top"] == Estimate.undefined()
            assert line.scores["error_ratio_to_constant"].value == 1
            assert line.split == "task" or line.scores["error_ratio_to_additive"].value > 1


def test_extrapolation_predicts_the_best_tenth(sheet, data):
    (line,) = (line for line in sheet.lines if (line.split, line.surrogate) == ("extrapolation", "additive"))
    assert line.n_configurations == 6
    assert line.scores["top_spearman"] == Estimate.undefined()  # all of them are the top


def test_settings_with_few_configurations_are_not_judged_by(pooled, data):
    kept = comparable(pooled)
    assert set(kept.labels["task"]) == {"counting", "other"} and len(kept.target) == 2 * len(data.target)
    lines = split_lines(kept, ["additive"], "task")
    assert lines[0].n_traces == 2 * len(data.target)
    # The level of an unseen task cannot be known; the order of its configurations can.
    assert lines[0].scores["r2"].value < 0 and lines[0].scores["spearman"].value > 0.9


def test_more_traces_teach_more(sheet):
    points = {(point.surrogate, point.traces): point for point in sheet.curve}
    assert [key for key in points if key[0] == "additive"] == [("additive", 25.0), ("additive", 60.8)]
    assert points["additive", 60.8].r2.value > points["additive", 25.0].r2.value > 0.3
    assert points["constant", 25.0].spearman == Estimate.undefined()


def test_sizes_that_a_fold_does_not_have_are_left_out(data):
    assert [point.traces for point in learning_curve(data, ["constant"], sizes=(30, 100, 1000))] == [30, 60.8]


def test_shuffled_targets_score_zero(sheet):
    assert set(sheet.control) == {"additive"}
    assert sheet.control["additive"].low < 0 < sheet.control["additive"].high


def test_the_control_fails_when_something_leaks(data, monkeypatch):
    class Leaking:
        """Looks its answers up, as if the predicted rows had been among those it was fitted to."""

        def __init__(self, answers):
            self.answers = answers

        def fit(self, features, target, groups):
            return self

        def posterior(self, features):
            from perfmodel.surrogates.contract import Posterior

            location = np.log(self.answers[features.column("row").astype(int)])
            return Posterior(location, np.ones(len(location)), log=True)

    answers = np.random.default_rng(0).permutation(data.target)  # as the control shuffles them
    monkeypatch.setattr("perfmodel.evaluation.out_of_fold.make_surrogate", lambda *_, **__: Leaking(answers))
    numbered = replace(data, features=data.features.with_column("row", np.arange(len(answers))))
    control = shuffled_control(numbered, "additive", shuffles=1)
    assert control.low > 0.9


def test_one_searcher_is_a_reason_not_a_score(data):
    alone = replace(data, labels={"searcher": np.full(len(data.target), "plan", dtype=object)})
    with pytest.raises(NotEnoughTracesError, match=r"only one searcher \(plan\)"):
        split_lines(alone, ["constant"], "searcher")
    unknown = replace(data, labels={})
    with pytest.raises(NotEnoughTracesError, match="not known"):
        split_lines(unknown, ["constant"], "searcher")


def test_without_a_ceiling_nothing_is_compared_with_it(data):
    (line,) = split_lines(data, ["additive"], "configuration")
    assert line.scores["r2_of_ceiling"] == line.scores["sparse_kendall"] == Estimate.undefined()
