"""Examples as tokens, and batches of them."""

import copy
import hashlib
import json
from dataclasses import replace

import pytest
import torch

from collectors.scoring.batch import collate
from collectors.scoring.encode import PROMPT_END, encode
from datasets_cache import Example, load_task
from perfmodel.errors import InvalidTaskError, UnsupportedModelError

CPU = torch.device("cpu")
EXAMPLES = [Example("2 + 2 =", "4"), Example("a much longer question than that?", "yes", ("no", "yes", "perhaps"))]
PROMPT = "Is snow white?\nAnswer:"
PICKED = Example(PROMPT, "yes", ("no", "yes"), "likelihood_per_character", 1)
# sha256 of chain_sum's token ids under the byte tokenizer, from before examples had any other form (version 0.1.0)
PUBLISHED = {
    "train": "ecc2756a4c0a99d56a4ac01ff879212ed92bba99c20b24e29d4acd8dddaf3c92",
    "calibration": "5a5d41cf6d9266a5505780be7bb975e5280fef58d24f1fab2d9e60062ac62e63",
    "held_out": "d4b090d35c62870702c57af3009360c50979851f743c5b6ad681c593802c1321",
}


@pytest.mark.parametrize("split", sorted(PUBLISHED))
def test_published_traces_were_made_with_these_tokens(tokenizer, split):
    encoded = encode(getattr(load_task("chain_sum"), split), tokenizer, 10_000)
    ids = [(example.prompt, example.answer) for example in encoded]
    assert hashlib.sha256(json.dumps(ids).encode()).hexdigest() == PUBLISHED[split]


def test_an_example_reads_as_question_answer_end(tokenizer):
    (first, _) = encode(EXAMPLES, tokenizer, 100)
    assert tokenizer.decode(first.prompt) == "2 + 2 =" + PROMPT_END
    assert tokenizer.decode(first.answer) == " 4</s>"
    assert first.answer[-1] == tokenizer.eos_token_id
    assert first.length == len("2 + 2 =" + PROMPT_END + " 4") + 1
    assert first.choices == ()


def test_the_right_choice_comes_first_and_each_once(tokenizer):
    (_, second) = encode(EXAMPLES, tokenizer, 100)
    assert [tokenizer.decode(choice.answer) for choice in second.choices] == [" yes</s>", " no</s>", " perhaps</s>"]
    assert {choice.prompt for choice in second.choices} == {second.prompt}
    assert (second.right, second.choices[0].answer) == (0, second.answer)
    assert {choice.divisor for choice in second.choices} == {1}


def test_longer_examples_are_left_out_and_the_limit_itself_fits(tokenizer):
    short, long = (example.length for example in encode(EXAMPLES, tokenizer, 100))
    assert short < long
    assert len(encode(EXAMPLES, tokenizer, long)) == 2
    assert [example.length for example in encode(EXAMPLES, tokenizer, long - 1)] == [short]
    assert [example.length for example in encode(EXAMPLES[::-1], tokenizer, 100)] == [long, short]
    assert encode(EXAMPLES, tokenizer, long).left_out == ()
    assert encode(EXAMPLES[::-1], tokenizer, long - 1).left_out == (0,)


def test_no_example_short_enough_is_the_user_s_error(tokenizer):
    with pytest.raises(InvalidTaskError, match=r"has 18 tokens.*max_length allows 17.*raise recipe.max_length"):
        encode(EXAMPLES, tokenizer, 17)
    assert encode([], tokenizer, 17) == []


def test_a_prompt_is_taken_word_for_word_and_choices_end_without_the_end_token(tokenizer):
    (example,) = encode([PICKED], tokenizer, 100)
    assert tokenizer.decode(example.prompt) == PROMPT
    assert tokenizer.decode(example.answer) == " yes</s>"
    assert [tokenizer.decode(choice.answer) for choice in example.choices] == [" no", " yes"]
    assert [choice.divisor for choice in example.choices] == [2, 3]
    assert example.right == 1
    assert example.answer[:-1] == example.choices[1].answer
    (by_sum,) = encode([replace(PICKED, scoring="likelihood")], tokenizer, 100)
    assert [choice.divisor for choice in by_sum.choices] == [1, 1]


def test_lengths_are_counted_in_characters(tokenizer):
    (example,) = encode([replace(PICKED, choices=("né", "yes"))], tokenizer, 100)
    assert [(len(choice.answer), choice.divisor) for choice in example.choices] == [(4, 2), (4, 3)]


def test_white_space_at_a_prompt_s_end_belongs_to_the_continuation(tokenizer):
    (example,) = encode([replace(PICKED, question="Snow is \n ")], tokenizer, 100)
    assert tokenizer.decode(example.prompt) == "Snow is"
    assert tokenizer.decode(example.answer) == " \n  yes</s>"
    assert tokenizer.decode(example.choices[0].answer) == " \n  no"


def test_choices_that_stand_in_the_prompt_share_the_continuation(tokenizer):
    contexts = ("Ana saw Bo when Ana", "Ana saw Bo when Bo")
    given = Example("Ana saw Bo when _ woke.", "woke.", ("Ana", "Bo"), "likelihood", 1, contexts)
    (example,) = encode([given], tokenizer, 100)
    assert [tokenizer.decode(choice.prompt) for choice in example.choices] == list(contexts)
    assert {tokenizer.decode(choice.answer) for choice in example.choices} == {" woke."}
    assert tokenizer.decode(example.prompt + example.answer) == "Ana saw Bo when Bo woke.</s>"


def test_a_generated_answer_is_learnt_whole_and_kept_as_text(tokenizer):
    (example,) = encode(
        [Example("Question: 1 + 1?\nAnswer:", "One more.\n#### 2", scoring="generated")], tokenizer, 100
    )
    assert tokenizer.decode(example.answer) == " One more.\n#### 2</s>"
    assert example.reference.text == "One more.\n#### 2"
    assert example.choices == ()


@pytest.mark.parametrize("examples", [EXAMPLES, [PICKED]])
def test_training_needs_no_choices(tokenizer, examples):
    plain = encode(examples, tokenizer, 100, with_choices=False)
    assert [example.choices for example in plain] == [()] * len(examples)
    full = encode(examples, tokenizer, 100)
    assert [(example.prompt, example.answer) for example in plain] == [(one.prompt, one.answer) for one in full]


def test_targets_are_the_next_tokens_of_the_answer_only():
    batch = collate([((11, 12, 13), (21, 22)), ((31,), (41, 42, 43)), ((51, 52), (61,))], CPU)
    assert batch.ids.tolist() == [[11, 12, 13, 21, 22], [31, 41, 42, 43, 0], [51, 52, 61, 0, 0]]
    assert batch.targets.tolist() == [[-1, -1, 21, 22, -1], [41, 42, 43, -1, -1], [-1, 61, -1, -1, -1]]
    assert batch.real_tokens == 12
    assert batch.padded_tokens == 15
    assert batch.answer_tokens == 6


def test_every_target_stands_one_before_its_token(tokenizer):
    encoded = encode(EXAMPLES, tokenizer, 100)
    batch = collate([(example.prompt, example.answer) for example in encoded], CPU)
    rows, columns = (batch.targets >= 0).nonzero().unbind(1)
    assert torch.equal(batch.targets[rows, columns], batch.ids[rows, columns + 1])
    assert batch.answer_tokens == sum(len(example.answer) for example in encoded)


@pytest.fixture
def ending(tokenizer):
    """Makes the tokenizer append what is asked for to every text, as ``add_eos_token`` does."""
    from tokenizers.processors import TemplateProcessing

    def make(template):
        made = copy.deepcopy(tokenizer)
        tokens = [("<pad>", 0), ("</s>", 1)]
        made.backend_tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=tokens)
        return made

    return make


@pytest.mark.parametrize("template", ["$A </s>", "<pad> $A </s>", "$A </s> </s>", "$A <pad>", "<pad> $A"])
@pytest.mark.parametrize("scoring", ["exact", "likelihood"])
def test_an_end_that_the_tokenizer_appends_is_no_part_of_prompt_or_answer(tokenizer, ending, template, scoring):
    example = Example("Is 7 odd?", "yes", ("yes", "no"), scoring=scoring, right=0)
    start = (0,) if template.startswith("<pad>") else ()
    [plain], [found] = encode([example], tokenizer, 99), encode([example], ending(template), 99)

    assert found.prompt == (*start, *plain.prompt)
    assert found.answer == plain.answer
    assert [choice.answer for choice in found.choices] == [choice.answer for choice in plain.choices]


def test_examples_that_cannot_be_scored_are_refused_by_name(tokenizer):
    from tokenizers.normalizers import Lowercase

    twice = Example("Which?", "a", ("a", "b", "B"), scoring="likelihood", right=0)
    encode([twice, replace(twice, choices=("a", "b", "b"))], tokenizer, 99)
    deaf = copy.deepcopy(tokenizer)
    deaf.backend_tokenizer.normalizer = Lowercase()
    with pytest.raises(InvalidTaskError, match=r"'Which\?' has two choices of the same tokens"):
        encode([twice], deaf, 99)
    endless = copy.deepcopy(tokenizer)
    endless.eos_token = None
    with pytest.raises(UnsupportedModelError, match="no end token"):
        encode([twice], endless, 99)


def test_the_length_that_keeps_a_share_is_the_least(tokenizer):
    found = encode([Example("q" * size, "a") for size in range(1, 21)], tokenizer, 20)
    length = found.length_that_keeps(0.95)
    assert len(encode([Example("q" * size, "a") for size in range(1, 21)], tokenizer, length)) == 19
    assert len(encode([Example("q" * size, "a") for size in range(1, 21)], tokenizer, length - 1)) == 18
