"""Loss and accuracy against plain references: full logits, one example at a time, and real greedy decoding."""

import random

import pytest
import torch
from torch.nn import functional as F

from collectors.encode import Encoded, collate
from collectors.evaluate import EVAL_BATCH, answer_logits, evaluate

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


def test_accuracy_is_that_of_greedy_decoding(model):
    examples = []
    for index, example in enumerate(some_examples(24, seed=7)):
        said = greedy(model, example.prompt, 4)
        answer = (said, changed(said, 0), changed(said, 2), changed(said, 3))[index % 4]
        examples.append(Encoded(example.prompt, answer))
    exact = [greedy(model, example.prompt, len(example.answer)) == example.answer for example in examples]
    assert 0 < sum(exact) < len(exact)
    assert evaluate(model, examples, CPU).accuracy == sum(exact) / len(exact)


def test_a_choice_is_right_when_it_is_the_likeliest(model):
    generator = random.Random(5)
    examples, right = [], []
    for _ in range(20):
        prompt = draw(generator, 3, 12)
        choices = tuple(draw(generator, 1, 4) for _ in range(3))
        examples.append(Encoded(prompt, choices[0], choices))
        sums = [float(answer_losses(model, prompt, choice).sum()) for choice in choices]
        right.append(sums[0] == min(sums))
    assert 0 < sum(right) < 20
    assert evaluate(model, examples, CPU).accuracy == sum(right) / 20


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
