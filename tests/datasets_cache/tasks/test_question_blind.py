"""The question-blind loss against counts by hand and against the entropy that no model can beat."""

import itertools
import math
import random

import pytest

from datasets_cache import question_blind_loss
from perfmodel.errors import InvalidTaskError

END = 0


def test_a_small_set_by_hand() -> None:
    # Training answers: "1 END" twice and "2 END" once, so V = 3 and p_uniform = 1/4.
    # p_unigram(1) = (2 + 3/4)/(6 + 3) = 11/36; p_unigram(END) = (3 + 3/4)/9 = 5/12.
    # First token: previous and prefix are the start both times, with c = 3 and T = 2:
    #   p_previous(1) = (2 + 2 * 11/36)/5 = 47/90; p_prefix(1) = (2 + 2 * 47/90)/5 = 137/225.
    # After 1 (c = 2, T = 1): p_previous(END) = (2 + 5/12)/3 = 29/36; p_prefix(END) = (2 + 29/36)/3 = 101/108.
    loss = question_blind_loss([[1, END], [1, END], [2, END]], [[1, END]])
    assert loss == pytest.approx(-(math.log(137 / 225) + math.log(101 / 108)) / 2, abs=1e-12)


def test_a_token_never_seen_keeps_a_share_of_the_uniform() -> None:
    # V = 2: p_uniform = 1/3; p_unigram = (2/3)/4 = 1/6; p_previous = (1/6)/2 = 1/12; p_prefix = 1/24.
    assert question_blind_loss([[1, END]], [[9]]) == pytest.approx(math.log(24), abs=1e-12)


def test_a_context_never_seen_passes_its_fallback_on() -> None:
    # After 9 only the unigram is left: p(END) = (1 + 2/3)/4 = 5/12.
    assert question_blind_loss([[1, END]], [[9, END]]) == pytest.approx((math.log(24) - math.log(5 / 12)) / 2)


@pytest.mark.parametrize("classes", [2, 7, 30])
def test_uniform_answers_cost_their_entropy_and_never_less(classes: int) -> None:
    answers = [[1 + answer, END] for answer in range(classes)]
    entropy = math.log(classes) / 2
    few = question_blind_loss(answers * 2, answers)
    many = question_blind_loss(answers * 200, answers)
    assert entropy <= many + 1e-12
    assert many < few
    assert many == pytest.approx(entropy, rel=0.02)


def test_a_skewed_sample_of_a_uniform_source_costs_more() -> None:
    draw = random.Random(0)
    train = [[1 + draw.randrange(10), END] for _ in range(300)]
    held_out = [[1 + answer, END] for answer in range(10)]
    assert question_blind_loss(train, held_out) > math.log(10) / 2


def test_structure_inside_answers_is_used() -> None:
    # Digits copied twice: 100 prefixes, yet the second digit is certain once the first is known.
    train = [[1 + digit, 1 + digit, END] for digit in range(10)] * 100
    assert question_blind_loss(train, train[:10]) == pytest.approx(math.log(10) / 3, rel=0.02)


def test_the_order_of_answers_does_not_matter() -> None:
    answers = [[1, 2, END], [2, END], [3, 1, END]]
    losses = [question_blind_loss(list(order), answers) for order in itertools.permutations(answers)]
    assert max(losses) - min(losses) < 1e-12


@pytest.mark.parametrize(("train", "held_out"), [([], [[1]]), ([[1]], []), ([[]], [[1]]), ([[1]], [[]])])
def test_no_tokens_is_refused(train: list[list[int]], held_out: list[list[int]]) -> None:
    with pytest.raises(InvalidTaskError, match="hold no token"):
        question_blind_loss(train, held_out)
