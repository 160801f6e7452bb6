"""The report's first sentences say what the record supports, and no more."""

import pytest

from reports.report.verdict import verdict


def measured(loss, memory, n=1):
    return {
        "held_out_loss": {"value": loss, "n": 0 if loss is None else n},
        "peak_memory_bytes": {"value": memory, "n": 0 if memory is None else n},
    }


def row(role, name, loss, memory, n=1):
    return {"role": role, "name": name, "measured": measured(loss, memory, n)}


def point(loss, accuracy, *, bits=16, rate=0.0, adapted=1.0, status="ok"):
    return {
        "status": status,
        "mean_bits": bits,
        "pruning_rate": rate,
        "adapted_share": adapted,
        "metrics": {"held_out_loss": loss, "accuracy": accuracy},
    }


@pytest.fixture
def small():
    """A record with only what the verdict reads."""
    score = {"metric": "held_out_loss", "surrogate": "additive", "n_traces": 20, "n_configurations": 15}
    ratio = {"value": 0.4, "low": 0.3, "high": 0.5}
    return {
        "question_blind": {"loss": 1.4, "accuracy": 0.1},
        "training_points": [
            *(point(0.9, 0.4), point(1.1, 0.6)),
            *(point(9.0, 0.0, bits=2), point(9.0, 0.0, rate=0.5), point(9.0, 0.0, adapted=0.1)),
        ],
        "validation": [
            row("baseline", "uniform 4-bit r8", 1.3, 400e6),
            row("front", "front 1", 1.5, 300e6),
            row("front", "front 2", 1.2, 415e6, n=3),
            row("front", "front 3", 0.8, 500e6),
            row("random", "random 1", 0.1, 100e6),
        ],
        "prediction_check": {
            "held_out_loss": {"n": 4, "inside_interval": 3, "mean_absolute_relative_error": 0.05},
            "accuracy": {"n": 0, "inside_interval": 0, "mean_absolute_relative_error": None},
        },
        "scores": [{**score, "error_ratio_to_constant": ratio}],
        "surrogates": {"held_out_loss": "additive"},
        "effects": {"noise": {"repeats": 5}, "axes": [{"axis": "pruning_rate", "verdict": "matters"}]},
        "effects_reason": "",
    }


def only(record, word):
    found = [sentence for sentence in verdict(record) if word in sentence]
    assert len(found) == 1, found
    return found[0]


def test_the_task_counts_where_plain_lora_beats_ignoring_the_question(small):
    sentence = only(small, "Unpruned 16-bit LoRA")

    assert "loss of 1.000 and an accuracy of 0.50 (mean of 2 runs)" in sentence
    assert sentence.endswith("The task counts.")


@pytest.mark.parametrize("better", [{"loss": 0.99, "accuracy": 0.1}, {"loss": 1.4, "accuracy": 0.5}])
def test_a_task_that_was_not_learnt_does_not_count(small, better):
    small["question_blind"] = better

    assert "The task does not count" in only(small, "Unpruned 16-bit LoRA")


@pytest.mark.parametrize(
    "points", [[], [point(None, None, status="oom")], [point(9.0, 0.0, bits=4)], [point(0.5, None)]]
)
def test_without_a_plain_run_nothing_is_claimed_of_the_task(small, points):
    small["training_points"] = points

    assert "is not known" in only(small, "16-bit fine-tune")


def test_a_failed_plain_run_is_left_out_of_the_mean(small):
    small["training_points"].append(point(None, None, status="diverged"))

    assert "mean of 2 runs" in only(small, "Unpruned 16-bit LoRA")


def test_a_baseline_is_compared_with_the_best_front_point_that_fits_beside_it(small):
    sentence = only(small, "uniform 4-bit r8")

    assert "(400 MB, loss 1.300, 1 run)" in sentence
    assert sentence.endswith("front 2 (415 MB, loss 1.200, 3 runs).")  # front 3 is 25 % above


def test_a_front_that_needs_more_memory_is_said_to(small):
    small["validation"] = [row("baseline", "uniform 2-bit r4", 2.0, 100e6), row("front", "front 1", 1.5, 300e6)]

    assert (
        only(small, "uniform 2-bit r4") == "No measured point of the front needs as little memory as uniform 2-bit r4."
    )


def test_what_failed_is_not_compared(small):
    small["validation"] = [
        row("baseline", "uniform 8-bit r8", None, None),
        row("baseline", "uniform 4-bit r8", 1.3, 400e6),
        row("front", "front 1", None, 100e6),
        row("front", "front 2", 1.4, 390e6),
    ]

    assert "front 2" in only(small, "uniform 4-bit r8")
    assert not [sentence for sentence in verdict(small) if "uniform 8-bit r8" in sentence]


def test_predictions_are_counted_not_praised(small):
    assert "3 of 4 fine-tunes" in only(small, "interval of held-out loss (mean error 5.0 %)")
    assert not [sentence for sentence in verdict(small) if "accuracy (mean error" in sentence]


def test_the_chosen_surrogate_is_reported_with_its_interval(small):
    sentence = only(small, "additive surrogate")

    assert "0.40 times the error of a constant (0.30 to 0.50; 20 traces of 15 configurations" in sentence


def test_a_surrogate_whose_error_has_no_interval_is_reported_all_the_same(small):
    small["scores"][0]["error_ratio_to_constant"] = {"value": 0.4, "low": None, "high": None}

    assert "a constant (no interval; 20 traces" in only(small, "additive surrogate")


def test_a_surrogate_that_did_not_beat_the_constant_is_said_so(small):
    small["surrogates"] = {"held_out_loss": "constant"}
    small["scores"] = [{**small["scores"][0], "surrogate": "constant"}]

    assert only(small, "no surrogate beat") == "For held-out loss no surrogate beat the constant."


def test_axes_are_judged_against_the_noise_or_not_at_all(small):
    assert only(small, "axes") == "Against seed noise (5 repeats) the axes are judged: matters: pruning rate."

    small["effects"], small["effects_reason"] = None, "too few repeats"
    assert only(small, "axes") == "Which axes matter is not known: too few repeats."


def test_the_made_up_record_has_a_verdict(record):
    assert all(sentence.endswith((".", "learnt.")) for sentence in verdict(record))
