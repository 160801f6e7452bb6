"""The loop: learning rates by hand, batches, divergence, and what is measured."""

import math
from dataclasses import replace

import pytest
import torch

from collectors.scoring.batch import collate
from collectors.scoring.encode import Encoded
from collectors.trial import finetune as module
from collectors.trial.finetune import DivergedError, finetune, learning_rate
from collectors.trial.model_builder import ModelBuilder
from collectors.trial.optimizers import make_optimizer
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("cosine", [0.5, 1, 1, 0.9619398, 0.8535534, 0.6913417, 0.5, 0.3086583, 0.1464466, 0.0380602]),
    ],
)
def test_learning_rates_by_hand(schedule, expected):
    recipe = Recipe(steps=10, warmup_share=0.2, learning_rate=0.002, schedule=schedule)
    assert [learning_rate(recipe, index) for index in range(10)] == pytest.approx([0.002 * x for x in expected])


def test_the_rate_follows_the_horizon_and_not_the_steps():
    long = Recipe(steps=10, warmup_share=0.2, schedule="cosine")
    short = Recipe(steps=4, warmup_share=0.2, schedule="cosine", schedule_steps=10)
    assert [learning_rate(short, index) for index in range(4)] == [learning_rate(long, index) for index in range(4)]


def test_without_warm_up_the_first_step_has_the_full_rate():
    recipe = Recipe(steps=4, curve_points=1, warmup_share=0.0, learning_rate=1.0, schedule="linear")
    assert [learning_rate(recipe, index) for index in range(4)] == [1.0, 0.75, 0.5, 0.25]


def test_a_small_warm_up_is_one_step_of_full_rate():
    recipe = Recipe(steps=3, warmup_share=0.01, learning_rate=1.0, schedule="constant")
    assert [learning_rate(recipe, index) for index in range(3)] == [1.0, 1.0, 1.0]


def numbered(count):
    return [Encoded((number + 2,), (1,)) for number in range(count)]


def drawn(count, *, steps, batch_size, seed=0):
    """Returns the numbers of the examples of every batch."""
    recipe = Recipe(steps=steps, batch_size=batch_size, curve_points=1)
    return [(batch.ids[:, 0] - 2).tolist() for batch in module.batches(numbered(count), recipe, seed, CPU)]


def test_every_epoch_uses_every_example_once():
    batches = drawn(12, steps=9, batch_size=4)
    assert [len(batch) for batch in batches] == [4] * 9
    flat = [number for batch in batches for number in batch]
    epochs = [flat[start : start + 12] for start in (0, 12, 24)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1] != list(range(12))


def test_batches_may_straddle_epochs():
    flat = [number for batch in drawn(10, steps=5, batch_size=4) for number in batch]
    assert sorted(flat[:10]) == sorted(flat[10:20]) == list(range(10))


def test_a_batch_larger_than_the_training_set_repeats_it_evenly():
    (batch,) = drawn(3, steps=1, batch_size=7)
    assert len(batch) == 7
    assert {batch.count(number) for number in range(3)} == {2, 3}


def test_the_order_is_the_seed_s():
    assert drawn(12, steps=5, batch_size=4, seed=3) == drawn(12, steps=5, batch_size=4, seed=3)
    assert drawn(12, steps=5, batch_size=4, seed=3) != drawn(12, steps=5, batch_size=4, seed=4)


def trained(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


@pytest.fixture
def train(builder, monkeypatch):
    """Trains a fresh model of the tiny setting; returns what was measured, the training losses and the model."""

    def run(*, bits=16, rank=4, seed=0, examples=None, shop=builder, **changes):
        recipe = replace(shop.setting.recipe, **changes)
        built = shop.build(Configuration.uniform(8, bits=bits, rank=rank), seed=1)
        losses = []
        cross_entropy = torch.nn.functional.cross_entropy

        def noted(*args, **kwargs):
            loss = cross_entropy(*args, **kwargs)
            losses.append(loss.item())
            return loss

        with monkeypatch.context() as patch:
            patch.setattr(module.F, "cross_entropy", noted)
            training = finetune(
                built.model,
                make_optimizer(trained(built.model), recipe),
                examples or builder.train,
                recipe,
                seed=seed,
                device=CPU,
                resident_bytes=built.weight_bytes + built.adapter_bytes,
                after_step=lambda step: None,
            )
        return training, losses, built

    return run


def test_only_adapters_change_and_the_loss_falls(train, builder):
    fresh = builder.build(Configuration.uniform(8, bits=16, rank=4), seed=1).model.state_dict()
    _, losses, built = train(steps=25, batch_size=8, learning_rate=1e-2)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    for name, value in built.model.state_dict().items():
        assert torch.equal(value, fresh[name]) == (".lora_" not in name), name


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_the_optimiser_uses_the_schedule(train, monkeypatch, schedule):
    used = []
    step = torch.optim.AdamW.step

    def noted(optimizer, *args, **kwargs):
        used.extend(group["lr"] for group in optimizer.param_groups)
        return step(optimizer, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    train(steps=5, schedule=schedule, warmup_share=0.4)
    recipe = Recipe(steps=5, schedule=schedule, warmup_share=0.4, learning_rate=3e-3)
    assert used == [learning_rate(recipe, index) for index in range(5)]


def test_a_huge_learning_rate_is_divergence(train):
    with pytest.raises(DivergedError, match=r"the training loss is (nan|inf) at step [2-6] of 6"):
        train(steps=6, learning_rate=1e30)


def test_a_loss_that_is_not_a_number_is_divergence(train, monkeypatch):
    monkeypatch.setattr(
        module, "answer_logits", lambda model, batch: (torch.full((2, 9), math.nan), torch.tensor([1, 2]))
    )
    with pytest.raises(DivergedError, match="the training loss is nan at step 1 of 3"):
        train()


@pytest.mark.parametrize("bits", [4])
def test_the_peak_of_the_heavy_steps_is_the_peak_of_all(train, monkeypatch, bits):
    some, _, _ = train(bits=bits, steps=7, batch_size=8)
    monkeypatch.setattr(module, "heaviest", lambda batches, first: frozenset(range(1, len(batches))))
    every, _, _ = train(bits=bits, steps=7, batch_size=8)
    assert some.peak_memory_bytes == pytest.approx(every.peak_memory_bytes, rel=0.005)
    monkeypatch.setattr(
        module,
        "heaviest",
        lambda batches, first: frozenset({min(range(1, 7), key=lambda i: batches[i].padded_tokens)}),
    )
    lightest, _, _ = train(bits=bits, steps=7, batch_size=8)
    assert lightest.peak_memory_bytes < 0.97 * every.peak_memory_bytes  # batches differ, so the choice matters


def test_the_heaviest_batches_are_the_largest_of_each_kind_after_the_first():
    def batch(length, answer):
        return collate([((5,) * (length - answer), (6,) * answer)], CPU)

    assert module.heaviest([batch(9, 8), batch(4, 1), batch(8, 1), batch(5, 4), batch(4, 2)], 0) == {2, 3}
    assert module.heaviest([batch(9, 8), batch(4, 1), batch(8, 7)], 0) == {2}
    assert module.heaviest([batch(9, 8)], 0) == {0}


def test_the_peak_holds_weights_adapters_gradients_and_optimiser(train):
    training, _, built = train()
    assert training.optimizer_bytes == 2 * built.adapter_bytes + 4 * sum(
        p.requires_grad for p in built.model.parameters()
    )
    state = built.weight_bytes + 2 * built.adapter_bytes + training.optimizer_bytes
    assert state < training.peak_memory_bytes < 20 * state


def test_one_step_alone_is_recorded_and_timed(train):
    training, losses, _ = train(steps=1, curve_points=1)
    assert len(losses) == 1
    assert training.peak_memory_bytes > 0
    assert training.step_time_s == training.step_time_p95_s > 0


def test_batch_sizes_are_those_of_the_largest(train, builder):
    recipe = replace(builder.setting.recipe, steps=6)
    batches = list(module.batches(builder.train, recipe, 0, CPU))
    training, _, _ = train(steps=6)
    assert training.largest_batch_tokens == max(batch.padded_tokens for batch in batches)
    assert training.largest_batch_answer_tokens == max(batch.answer_tokens for batch in batches)
    real = sum(batch.real_tokens for batch in batches) / 6
    assert training.tokens_per_step == pytest.approx(real)


def test_after_step_hears_of_every_step(builder):
    built = builder.build(Configuration.uniform(8, bits=16, rank=2), seed=1)
    heard = []
    finetune(
        built.model,
        make_optimizer(trained(built.model), builder.setting.recipe),
        builder.train,
        builder.setting.recipe,
        seed=0,
        device=CPU,
        resident_bytes=0,
        after_step=heard.append,
    )
    assert heard == [1, 2, 3]


@pytest.mark.parametrize("bits", [16, 8, 4, 2])
def test_gradient_checkpointing_saves_memory_and_changes_no_loss(train, bits):
    plain, losses, _ = train(bits=bits, steps=5, batch_size=8)
    saving, same, _ = train(bits=bits, steps=5, batch_size=8, gradient_checkpointing=True)
    assert same == pytest.approx(losses, abs=1e-4)
    assert losses[0] != pytest.approx(losses[-1], abs=1e-3)
    assert saving.peak_memory_bytes < 0.8 * plain.peak_memory_bytes


def test_gradient_checkpointing_repeats_dropout(train, make_setting):
    dropping = ModelBuilder(make_setting(dropout=0.3))
    _, losses, _ = train(shop=dropping, steps=5, learning_rate=2e-2)
    _, same, _ = train(shop=dropping, steps=5, learning_rate=2e-2, gradient_checkpointing=True)
    _, without, _ = train(steps=5, learning_rate=2e-2)
    assert same == pytest.approx(losses, abs=1e-4)
    assert without[-1] != pytest.approx(losses[-1], abs=1e-3)  # dropout is really there to be repeated


def test_eight_bit_adamw_trains_with_a_smaller_state(train):
    large, losses, _ = train(rank=32, steps=6)
    small, others, _ = train(rank=32, steps=6, optimizer="adamw_8bit")
    assert small.optimizer_bytes < large.optimizer_bytes
    assert others == pytest.approx(losses, rel=0.1)
    assert others[-1] != others[0]


def test_weight_decay_shrinks_the_adapters(train):
    def size(built):
        return sum(float(p.detach().square().sum()) for name, p in built.model.named_parameters() if "lora_A" in name)

    assert size(train(weight_decay=50.0)[2]) < 0.9 * size(train(weight_decay=0.0)[2])
