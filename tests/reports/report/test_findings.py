"""Findings hold the record's facts; each kind has its words once."""

from reports.report import findings, sentences
from reports.report.page import report_page


def test_the_answer_names_the_smallest_within_noise_of_the_best_that_fits(record):
    found = findings.answer(record)

    assert (found.kind, found.numbers["name"]) == ("take", "C")
    assert found.numbers["peak_bytes"] <= record["budget"]["peak_memory_bytes"]
    assert found.numbers["against_full"] == "worse"
    assert not found.numbers["full_fits"]


def test_a_budget_that_nothing_meets_is_said(record):
    found = findings.answer(record | {"budget": {"peak_memory_bytes": 1.0}})

    assert found.kind == "nothing"
    assert "raise it" in sentences.answer_sentence(found)


def test_the_answer_s_words(record):
    found = findings.answer(record)
    words = f"{sentences.answer_sentence(found)} {sentences.sureness_sentence(found)}"

    assert words.startswith("Take C: it trains in ")
    assert "within your budget of 429\u00a0MiB" in words
    assert "1 real fine-tune" in words


def test_nothing_learnt_is_warned_of(record):
    assert findings.learnt(record).kind == "learnt"
    assert sentences.learnt_sentence(findings.learnt(record)) == ""
    blind = findings.learnt(record | {"question_blind": {"loss": 0.5, "accuracy": 0.0}})
    assert blind.kind == "not learnt"
    assert sentences.learnt_sentence(blind)


def test_predictions_are_counted_and_accuracies_err_in_points(record):
    record["prediction_check"]["accuracy"] = dict(record["prediction_check"]["held_out_loss"])
    found = {each.numbers["metric"]: each for each in findings.predictions(record)}

    assert found["accuracy"].numbers["inside_interval"] == 6
    assert "4.0\u00a0points" in sentences.prediction_sentence(found["accuracy"])
    assert "3.1\u00a0%" in sentences.prediction_sentence(found["held_out_loss"])


def test_references_are_left_out_of_the_check_of_predictions(record):
    run = [row for row in record["validation"] if row["measured"]]
    check = findings.prediction_check(run, ["held_out_loss"])["held_out_loss"]

    assert check["n"] == 7  # A, C and D once, B three times, one random


def test_a_rank_without_effect_is_untested_where_parameters_outnumber_tokens(record):
    assert findings.axes(record).numbers["groups"]["untested"] == ["rank"]
    low = findings.axes(record | {"rank_load": 0.5}).numbers["groups"]
    assert (low["untested"], low["no effect seen"]) == ([], ["rank"])
    assert findings.axes(record | {"effects": None}).kind == "unknown"


def test_searchers_are_judged_beside_random_search(record):
    found = findings.search(record)
    assert (found.kind, found.numbers["best"]) == ("beats random", "nsga2")
    runs = record["hypervolume"]["searchers"]
    runs["random"], runs["nsga2"] = runs["nsga2"], runs["random"]
    assert findings.search(record).kind == "no better"
    del runs["random"]
    assert findings.search(record).kind == "alone"


def test_surrogates_that_are_not_clearly_better_are_named(record):
    assert findings.surrogates(record).numbers == {"clear": ["held_out_loss", "peak_memory_bytes"], "others": []}
    for entry in record["scores"]:
        entry["error_ratio_to_constant"]["high"] = 1.2
    assert findings.surrogates(record).numbers["clear"] == []
    assert findings.surrogates(record | {"scores": []}).kind == "unknown"


def test_the_front_counts_what_was_run_by_role(record):
    numbers = findings.front(record).numbers

    assert (numbers["front"], numbers["reference"], numbers["random"], numbers["failed"]) == (4, 2, 1, ["random 2"])


def test_a_configuration_that_answers_two_questions_has_one_card(record):
    assert [card.name for card in report_page(record).cards] == ["16-bit LoRA", "C", "B"]
    cards = report_page(record | {"budget": {}}).cards

    assert [card.name for card in cards] == ["16-bit LoRA", "B"]
    assert "As good as" in cards[0].question and "Best of all" in cards[0].question
