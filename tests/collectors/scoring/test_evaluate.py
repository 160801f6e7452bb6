"""Loss and accuracy against plain references: full logits, one example at a time, and real greedy decoding."""

import random

import pytest
import torch
from torch.nn import functional as F

from collectors.measuring.memory_and_time import memory_meter
from collectors.scoring.batch import collate
from collectors.scoring.encode import Choice, Encoded, Reference
from collectors.scoring.evaluate import EVAL_BATCH, answer_logits, batches, evaluate, judge
from collectors.scoring.generation import GENERATION_BATCH, generate, is_right
from collectors.scoring.largest_batch import LargestBatch

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(make_model):
    return make_model()


def draw(generator, low, high):
    return tuple(generator.randrange(2, 258) for _ in range(generator.randint(low, high)))


def some_examples(count, seed=0):
    generator = random.Random(seed)
    return [Encoded(draw(generator, 2, 30), draw(generator, 1, 9)) for _ in range(count)]


def answer_losses(model, prompt, answer):
    """Returns the loss of every answer token from the full logits of one unpadded example."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0]
    return F.cross_entropy(logits[len(prompt) - 1 : -1], torch.tensor(answer), reduction="none")


def greedy(model, prompt, length):
    with torch.no_grad():
        made = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=length,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
    return tuple(made[0, len(prompt) :].tolist())


def changed(answer, place):
    return tuple((token + 1) % 300 if index == place else token for index, token in enumerate(answer))


def test_the_loss_is_the_mean_over_answer_tokens_of_the_full_logits(model):
    examples = some_examples(2 * EVAL_BATCH + 5)
    losses = torch.cat([answer_losses(model, example.prompt, example.answer) for example in examples])
    scores = evaluate(model, examples, CPU)
    assert scores.loss == pytest.approx(float(losses.mean()), rel=1e-5)
    assert scores.examples == len(examples)


def test_padding_on_the_right_is_as_good_as_a_mask(model):
    examples = some_examples(8)
    batch = collate([(example.prompt, example.answer) for example in examples], CPU)
    mask = torch.zeros_like(batch.ids)
    for row, example in enumerate(examples):
        mask[row, : example.length] = 1
    with torch.no_grad():
        found, targets = answer_logits(model, batch)
        expected = model(input_ids=batch.ids, attention_mask=mask).logits[batch.targets >= 0]
    assert torch.allclose(found, expected, atol=1e-4)
    assert torch.equal(targets, batch.targets[batch.targets >= 0])


def test_the_padding_token_is_never_seen(model):
    batch = collate([(example.prompt, example.answer) for example in some_examples(8)], CPU)
    with torch.no_grad():
        before, _ = answer_logits(model, batch)
        batch.ids[batch.ids == 0] = 99
        after, _ = answer_logits(model, batch)
    assert torch.allclose(before, after, atol=1e-5)


def test_a_batch_scores_as_its_examples_one_by_one(model):
    examples = some_examples(EVAL_BATCH + 3, seed=4)
    alone = [evaluate(model, [example], CPU) for example in examples]
    tokens = [len(example.answer) for example in examples]
    expected = sum(one.loss * n for one, n in zip(alone, tokens, strict=True)) / sum(tokens)
    assert evaluate(model, examples, CPU).loss == pytest.approx(expected, rel=1e-5)


def test_small_batches_score_as_large_ones(model):
    examples = [*some_questions(EVAL_BATCH + 3), *some_examples(5)]
    whole, small = (evaluate(model, examples, CPU, largest=each) for each in (None, LargestBatch(20, 3)))
    assert small.loss == pytest.approx(whole.loss, rel=1e-5)
    assert (small.accuracy, small.examples) == (whole.accuracy, whole.examples)
    assert batches(examples, LargestBatch(20, 3)) > batches(examples) == -(-(3 * (EVAL_BATCH + 3) + 5) // EVAL_BATCH)


def test_an_evaluation_takes_no_more_memory_than_a_training_step(model):
    """At batch 1; without the limit sixteen sequences are held at once."""
    examples = some_examples(2 * EVAL_BATCH, seed=9)
    longest = max(examples, key=lambda example: example.length)

    def peak(work):
        meter = memory_meter(CPU)
        with meter.step(lambda: 0):
            work()
        return meter.peak_bytes

    def train():
        logits, targets = answer_logits(model, collate([(longest.prompt, longest.answer)], CPU))
        torch.nn.functional.cross_entropy(logits, targets).backward()

    largest = LargestBatch(longest.length, max(len(example.answer) for example in examples))
    assert peak(lambda: evaluate(model, examples, CPU, largest=largest)) <= peak(train)
    assert peak(lambda: evaluate(model, examples, CPU)) > peak(train)


def test_accuracy_is_that_of_greedy_decoding(model):
    examples = []
    for index, example in enumerate(some_examples(24, seed=7)):
        said = greedy(model, example.prompt, 4)
        answer = (said, changed(said, 0), changed(said, 2), changed(said, 3))[index % 4]
        examples.append(Encoded(example.prompt, answer))
    exact = [greedy(model, example.prompt, len(example.answer)) == example.answer for example in examples]
    assert 0 < sum(exact) < len(exact)
    assert evaluate(model, examples, CPU).accuracy == sum(exact) / len(exact)


def some_questions(count, seed=5, end=()):
    """Returns questions of three choices of different lengths after different prompts; the second is right."""
    generator = random.Random(seed)
    examples = []
    for _ in range(count):
        choices = tuple(
            Choice(draw(generator, 3, 12), draw(generator, 1, 4), generator.randint(1, 9)) for _ in range(3)
        )
        examples.append(Encoded(choices[1].prompt, choices[1].answer + end, choices, right=1))
    return examples


def sums_of(model, example):
    return [-float(answer_losses(model, choice.prompt, choice.answer).sum()) for choice in example.choices]


@pytest.mark.parametrize("end", [(), (1,)], ids=["end token scored", "end token not scored"])
def test_a_choice_is_right_when_it_is_the_likeliest(model, end):
    examples = some_questions(20, end=end)
    right = []
    for example, judged in zip(examples, judge(model, examples, CPU), strict=True):
        sums = sums_of(model, example)
        ranked = [value / choice.divisor for value, choice in zip(sums, example.choices, strict=True)]
        right.append(ranked[1] == max(ranked))
        assert judged.log_likelihoods == pytest.approx(sums, abs=1e-3)
        assert judged.right == right[-1]
    assert 0 < sum(right) < 20
    assert evaluate(model, examples, CPU).accuracy == sum(right) / 20


def test_lengths_decide_where_likelihoods_are_divided(model):
    prompt, long, short = (5, 6, 7), (9,) * 12, (9,)
    for divisors, right in (((1, 1), False), ((1000, 1), True)):
        choices = (Choice(prompt, long, divisors[0]), Choice(prompt, short, divisors[1]))
        (judged,) = judge(model, [Encoded(prompt, long, choices)], CPU)
        assert judged.right is right


def test_of_equal_choices_the_first_is_taken(model):
    choice = Choice((5, 6, 7), (9, 10))
    for right in (0, 1):
        (judged,) = judge(model, [Encoded(choice.prompt, choice.answer, (choice, choice), right)], CPU)
        assert judged.right is (right == 0)


def test_the_loss_of_a_choice_question_is_that_of_its_answer_with_the_end_token(model):
    examples = some_questions(EVAL_BATCH, end=(1,))
    losses = torch.cat([answer_losses(model, example.prompt, example.answer) for example in examples])
    assert evaluate(model, examples, CPU).loss == pytest.approx(float(losses.mean()), rel=1e-5)


def test_choices_of_many_questions_share_batches(model, monkeypatch):
    sizes = []
    monkeypatch.setattr(
        "collectors.scoring.evaluate.collate",
        lambda pairs, *rest: sizes.append(len(pairs)) or collate(pairs, *rest),
    )
    judge(model, some_questions(EVAL_BATCH), CPU)
    assert sizes == [EVAL_BATCH] * 3


def test_generation_in_a_padded_batch_is_greedy_decoding_alone(make_model, tokenizer, monkeypatch):
    model = make_model(layers=2)
    monkeypatch.setattr("collectors.scoring.generation.MOST_TOKENS", 60)
    prompts = [example.prompt for example in some_examples(GENERATION_BATCH + 2, seed=3)]
    texts = generate(model, tokenizer, prompts, CPU)
    for prompt, text in zip(prompts, texts, strict=True):
        alone = tokenizer.decode(greedy(model, prompt, 60)).partition("</s>")[0]
        assert text == alone.replace("<pad>", "").partition("Question:")[0]
    assert len({len(text) for text in texts}) > 1


def test_a_generated_answer_is_scored_beside_other_examples(model, tokenizer, monkeypatch):
    said = {"a": " #### 4", "b": " #### 5"}
    monkeypatch.setattr(
        "collectors.scoring.evaluate.generate",
        lambda model, tokenizer, prompts, device, largest: [said[tokenizer.decode(prompt)] for prompt in prompts],
    )
    plain, asked = some_examples(1), [tuple(tokenizer(text)["input_ids"]) for text in "ab"]
    written = [Encoded(prompt, (7, 1), reference=Reference("2 + 2\n#### 4", tokenizer)) for prompt in asked]
    judged = judge(model, [written[0], *plain, written[1]], CPU)
    assert [(each.right, each.generated) for each in judged] == [(True, " #### 4"), (False, None), (False, " #### 5")]
    assert [each.loss for each in judged] == pytest.approx(
        [float(answer_losses(model, one.prompt, one.answer).sum()) for one in (written[0], *plain, written[1])],
        rel=1e-4,
    )


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("so #### 1,234", True),
        ("#### 1234.", True),
        ("#### 1234\n#### 5", True),
        ("#### 5\n#### 1234", False),
        ("#### -1234", False),
        ("#### $1234", False),
        ("1234", False),
        ("####1234", False),
        ("", False),
    ],
)
def test_the_final_answer_is_the_first_number_after_the_marks(text, right):
    assert is_right(text, "12 * 100 + 34\n#### 1,234") is right


def test_a_soft_cap_on_the_logits_is_kept(make_model):
    model = make_model("gemma2", final_logit_softcapping=2.0)
    batch = collate([(example.prompt, example.answer) for example in some_examples(4)], CPU)
    with torch.no_grad():
        found, _ = answer_logits(model, batch)
        expected = model(input_ids=batch.ids).logits[batch.targets >= 0]
    assert torch.allclose(found, expected, atol=1e-5)
    assert float(expected.abs().max()) > 1.0


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_put_back_and_no_gradient_is_kept(make_model, training):
    model = make_model().train(training)
    evaluate(model, some_examples(3), CPU)
    assert model.training is training
    assert all(parameter.grad is None for parameter in model.parameters())
