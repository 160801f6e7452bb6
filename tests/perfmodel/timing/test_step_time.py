"""Counts of a step's work by hand, seconds from them, and what can never happen: falling or negative times."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.memory.load import BatchLoad
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.timing.correction import TimeCorrection
from perfmodel.timing.device_profiles import DeviceProfile, shipped_profiles
from perfmodel.timing.step_time import Work, finetune_seconds, step_time, step_work

CPU = DeviceProfile(
    name="test",
    device_class="cpu",
    source="test",
    measured=True,
    matrix_rates=((1e4, 1e9), (1e8, 5e10)),
    bytes_per_s=1e10,
    dequantized_per_s={"bf16": 4e9, "int8": 2e9, "nf4": 1e9, "hqq3": 6e8, "hqq2": 9e8},
    seconds_per_pass=1e-4,
    seconds_per_adapter=1e-4,
    seconds_per_step=1e-3,
)
TINY = Architecture.from_config(
    {
        "model_type": "llama",
        "hidden_size": 128,
        "vocab_size": 2048,
        "num_hidden_layers": 6,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "intermediate_size": 512,
        "tie_word_embeddings": True,
    }
)
LOAD = BatchLoad(2, 32, 10)
LINEAR = TINY.layer_parameters(0)


def uniform(bits=4, rank=8, rate=0.0, architecture=TINY):
    return Configuration.uniform(len(architecture.layers), bits=bits, rank=rank, pruning_rate=rate)


def work(configuration=None, recipe=None, load=LOAD, device_class="cpu", architecture=TINY):
    return step_work(architecture, configuration or uniform(), recipe or Recipe(), load, device_class=device_class)


def seconds(*arguments, profile=CPU, **changes):
    return step_time(work(*arguments, device_class=profile.device_class, **changes), profile).seconds


def test_operations_are_those_counted_by_hand():
    tokens, attention = 64, 4 * 32 * 32 * 128 * 2 * (1 + 2.5) * 6
    adapters = 2 * tokens * 8 * sum(rows + columns for rows, columns in TINY.module_shapes(0).values()) * 3 * 6
    logits = 2 * 10 * 2048 * 128 * 2

    assert work().operations == pytest.approx(2 * tokens * LINEAR * 2 * 6 + adapters + attention + logits)


def test_the_backward_pass_ends_at_the_first_adapter():
    late = Configuration(0.0, (4,) * 6, (0, 0, 0, 0, 8, 8))
    found, whole = work(late), work()

    assert found.dequantized == {"nf4": LINEAR * (6 + 2)}
    assert whole.dequantized == {"nf4": LINEAR * 12}
    assert found.passes == 7 * 8 and whole.passes == 7 * 12
    assert found.adapter_passes == 7 * 2 * 2


def test_checkpointing_repeats_the_forward_pass_behind_the_first_adapter():
    late = Configuration(0.0, (4,) * 6, (0, 0, 0, 0, 8, 8))
    again = Recipe(gradient_checkpointing=True)

    assert work(late, again).passes == 7 * (6 + 2 + 2)
    assert work(recipe=again).passes == 7 * 18


def test_sixteen_bits_are_the_compute_type_on_cuda_only():
    assert work(uniform(bits=16), device_class="cpu").dequantized == {"bf16": LINEAR * 12}
    assert work(uniform(bits=16), device_class="cuda").dequantized == {}


def test_mixed_layers_are_the_sum_of_their_kinds():
    mixed = Configuration(0.0, (4, 4, 2, 2, 8, 8), (8,) * 6)

    assert work(mixed).dequantized == {"nf4": LINEAR * 4, "hqq2": LINEAR * 4, "int8": LINEAR * 4}
    assert work(mixed).operations == pytest.approx(work().operations)


def test_by_module_is_by_layer_where_all_modules_agree():
    wide = Configuration(0.0, (4,) * 42, (8,) * 42)

    assert work(wide) == work()


def test_seconds_are_counts_over_rates():
    found = Work({(1e8, 1e3, 0): 3, (1e4, 1e8, 0): 2}, {"nf4": 10**9, "fp4": 5}, {"nf4": 7, "fp4": 10**9}, 2e9, 10, 20)
    step = step_time(found, CPU)

    assert step.products == pytest.approx(3 * 1e8 / 5e10 + 2 * 1e8 / 1e10)  # the second is bound by its bytes
    assert step.dequantization == pytest.approx(1.0 + 0.1)  # fp4 is not in the profile: its bytes count
    assert step.moving == pytest.approx(0.2)
    assert step.overhead == pytest.approx(10e-4 + 20e-4 + 1e-3)
    assert step.seconds == pytest.approx(step.products + 1.1 + 0.2 + 4e-3)
    assert step_time(found, replace(CPU, moving_factor=3.0)).moving == pytest.approx(0.6)
    assert not step.lower_bound
    assert finetune_seconds(step, Recipe(steps=7, curve_points=1)) == pytest.approx(7 * step.seconds)


def test_thin_products_of_adapters_go_at_the_rate_of_their_rank():
    thin = replace(CPU, thin_rates=((2.0, 1e9), (8.0, 4e9)))
    found = Work({(1e8, 1e3, 4): 1, (1e8, 1e3, 0): 1}, {}, {}, 0.0, 0, 0)

    assert step_time(found, thin).products == pytest.approx(1e8 / 2e9 + 1e8 / 5e10)
    assert {rank for _, _, rank in work(uniform(rank=16)).products} == {0, 16}
    assert seconds(uniform(rank=2), profile=thin) > 1.02 * seconds(uniform(rank=2))
    assert seconds(uniform(rank=64), profile=thin) == seconds(uniform(rank=64))


def test_a_correction_multiplies_each_part():
    correction = TimeCorrection(0.5, 2.0, 3.0, 4.0, 20, 0.05, 0.1)
    closed, corrected = (step_time(work(), replace(CPU, correction=each)) for each in (None, correction))

    assert corrected.products == pytest.approx(0.5 * closed.products)
    assert corrected.dequantization == pytest.approx(2 * closed.dequantization)
    assert corrected.moving == pytest.approx(3 * closed.moving)
    assert corrected.overhead == pytest.approx(4 * closed.overhead)
    assert corrected.seconds < closed.seconds * 4


def test_vendor_peaks_give_a_lower_bound():
    profile = shipped_profiles()["H100 80GB"]
    step = step_time(work(device_class="cuda"), profile)

    assert step.lower_bound
    assert step.seconds >= work(device_class="cuda").operations / 989.4e12


configurations = st.builds(
    lambda rate, bits, ranks, at: Configuration(rate, tuple(bits), (*ranks[:at], 4, *ranks[at + 1 :])),
    st.sampled_from((0.0, 0.2, 0.5)),
    st.lists(st.sampled_from((2, 3, 4, 8, 16)), min_size=6, max_size=6),
    st.lists(st.sampled_from((0, 2, 8, 64)), min_size=6, max_size=6),
    st.integers(0, 5),
)
loads = st.builds(
    lambda batch, length, share: BatchLoad(batch, length, int(batch * length * share)),
    st.integers(1, 16),
    st.integers(1, 256),
    st.floats(0, 1),
)
profiles = st.sampled_from((CPU, shipped_profiles()["H100 80GB"], shipped_profiles()["RTX 4090"]))


@settings(max_examples=60, deadline=None)
@given(configurations, loads, profiles, st.booleans())
def test_longer_and_larger_batches_and_more_steps_never_take_less(configuration, load, profile, checkpointing):
    recipe = Recipe(gradient_checkpointing=checkpointing, steps=10, curve_points=1)

    def step(of):
        return step_time(work(configuration, recipe, of, profile.device_class), profile)

    base = step(load)
    assert 0 < base.seconds < float("inf")
    assert min(base.products, base.dequantization, base.moving, base.overhead) >= 0
    # Products that grow may come to run faster; the rate rises more slowly than the operations do.
    assert step(replace(load, batch_size=load.batch_size + 1)).seconds >= base.seconds
    assert step(replace(load, length=load.length + 1)).seconds >= base.seconds
    assert finetune_seconds(base, replace(recipe, steps=11)) > finetune_seconds(base, recipe)
    if not checkpointing:
        assert (
            step_time(
                work(configuration, replace(recipe, gradient_checkpointing=True), load, profile.device_class), profile
            ).seconds
            >= base.seconds
        )


def test_pruning_takes_work_away():
    deep = replace(TINY, layers=TINY.layers * 3)

    assert seconds(uniform(rate=0.5, architecture=deep), architecture=deep) < seconds(
        uniform(architecture=deep), architecture=deep
    )
