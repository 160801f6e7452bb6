"""Examples as tokens, and batches of them."""

import pytest
import torch

from collectors.encode import PROMPT_END, collate, encode
from datasets_cache import Example
from perfmodel.errors import InvalidTaskError

CPU = torch.device("cpu")
EXAMPLES = [Example("2 + 2 =", "4"), Example("a much longer question than that?", "yes", ("no", "yes", "perhaps"))]


def test_an_example_reads_as_question_answer_end(tokenizer):
    (first, _) = encode(EXAMPLES, tokenizer, 100)
    assert tokenizer.decode(first.prompt) == "2 + 2 =" + PROMPT_END
    assert tokenizer.decode(first.answer) == " 4</s>"
    assert first.answer[-1] == tokenizer.eos_token_id
    assert first.length == len("2 + 2 =" + PROMPT_END + " 4") + 1
    assert first.choices == ()


def test_the_right_choice_comes_first_and_each_once(tokenizer):
    (_, second) = encode(EXAMPLES, tokenizer, 100)
    assert [tokenizer.decode(choice) for choice in second.choices] == [" yes</s>", " no</s>", " perhaps</s>"]
    assert second.choices[0] == second.answer


def test_longer_examples_are_left_out_and_the_limit_itself_fits(tokenizer):
    short, long = (example.length for example in encode(EXAMPLES, tokenizer, 100))
    assert short < long
    assert len(encode(EXAMPLES, tokenizer, long)) == 2
    assert [example.length for example in encode(EXAMPLES, tokenizer, long - 1)] == [short]
    assert [example.length for example in encode(EXAMPLES[::-1], tokenizer, 100)] == [long, short]


def test_no_example_short_enough_is_the_user_s_error(tokenizer):
    with pytest.raises(InvalidTaskError, match=r"has 18 tokens.*max_length allows 17.*raise recipe.max_length"):
        encode(EXAMPLES, tokenizer, 17)
    assert encode([], tokenizer, 17) == []


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
