"""Bytes worked out by hand, and what may not fall or rise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.architecture import Architecture
from perfmodel.memory import adapter_parameters, quantized_bytes, state_bytes
from perfmodel.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Configuration

LAYERS = 30
SMOLLM2 = Architecture.from_config(
    {
        "model_type": "llama",
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49152,
        "tie_word_embeddings": True,
    }
)
PER_LAYER = 3_538_944
SIDES = 2 * (576 + 576) + 2 * (192 + 576) + 3 * (1536 + 576)


@pytest.mark.parametrize(
    ("bits", "compute", "expected"),
    [
        (16, 4, 2 * 64 * 1280),  # bfloat16
        (8, 2, 64 * 1280 + 4 * 64),  # one float32 a row
        (4, 2, 64 * 1280 // 2 + 4 * 1280 + 64),  # one float32 per 64 weights, and the table
        (3, 2, 128 * 64 * 4 + 2 * 2 * 1280),  # ten values a word, scale and zero in bfloat16
        (3, 4, 128 * 64 * 4 + 2 * 4 * 1280),  # ... in float32
        (2, 2, 64 * 1280 // 4 + 2 * 2 * 1280),
    ],
)
def test_bytes_of_one_weight_by_hand(bits, compute, expected):
    assert quantized_bytes(64, 1280, bits, compute) == expected


def test_three_bit_groups_are_padded_to_ten():
    words, metadata = 4 * 64, 2 * 2 * 1  # one group takes a whole column of words

    assert quantized_bytes(1, 64, 3, 2) == words + metadata
    assert quantized_bytes(1, 640, 3, 2) == words + 10 * metadata
    assert quantized_bytes(1, 704, 3, 2) == 2 * words + 11 * metadata


@pytest.mark.parametrize("compute", [2, 4])
@pytest.mark.parametrize(("bits", "least", "most"), [(16, 16, 16), (8, 8, 9.1), (4, 4, 4.6), (3, 3, 4.3), (2, 2, 3.1)])
def test_bits_per_weight(bits, least, most, compute):
    stored = sum(quantized_bytes(*shape, bits, compute) for shape in SMOLLM2.module_shapes(0).values())

    assert least <= 8 * stored / PER_LAYER <= most


def test_unknown_bits_are_refused():
    with pytest.raises(ValueError, match="got 5"):
        quantized_bytes(64, 64, 5, 2)


def test_state_of_smollm2_by_hand():
    state = state_bytes(SMOLLM2, Configuration.uniform(LAYERS, bits=16, rank=8), device_class="cpu")
    adapters = 8 * LAYERS * SIDES

    assert state.linear == 2 * LAYERS * PER_LAYER
    assert state.rest == 4 * (49152 * 576 + 61 * 576)
    assert state.adapters == state.gradients == 4 * adapters
    assert state.optimizer == 8 * adapters
    assert state.weights == state.linear + state.rest
    assert state.total == state.weights + 16 * adapters


def test_a_head_of_its_own_and_biases_count():
    config = {
        "model_type": "qwen2",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 100,
    }
    state = state_bytes(Architecture.from_config(config), Configuration.uniform(2, bits=16, rank=2))

    assert state.rest == 2 * (2 * 100 * 64 + 5 * 64 + 2 * (64 + 32 + 32))


def test_an_optimizer_in_eight_bits_needs_a_quarter():
    configuration = Configuration.uniform(LAYERS, bits=4, rank=16)
    full, small = (state_bytes(SMOLLM2, configuration, optimizer=each) for each in ("adamw", "adamw_8bit"))

    assert full.optimizer == 4 * small.optimizer
    assert full.weights == small.weights


def test_adapters_of_rank_zero_cost_nothing():
    assert adapter_parameters(SMOLLM2, Configuration(0.0, (4,) * LAYERS, (8,) + (0,) * (LAYERS - 1))) == 8 * SIDES


@st.composite
def neighbours(draw):
    """A configuration, a layer of it, and two places in the list of choices, the first below the second."""
    bits = draw(st.tuples(*[st.sampled_from(DEFAULT_BITS)] * LAYERS))
    ranks = draw(st.tuples(*[st.sampled_from(DEFAULT_RANKS)] * LAYERS))
    low, high = sorted(draw(st.lists(st.integers(0, 4), min_size=2, max_size=2, unique=True)))
    return Configuration(draw(st.sampled_from(DEFAULT_RATES)), bits, ranks), draw(st.integers(0, LAYERS - 1)), low, high


def changed(values, layer, value):
    return (*values[:layer], value, *values[layer + 1 :])


@given(neighbours(), st.sampled_from(["cpu", "cuda"]))
@settings(max_examples=40, deadline=None)
def test_the_state_rises_with_bits_and_rank_and_falls_with_the_rate(drawn, device):
    base, layer, low, high = drawn

    def total(**changes):
        values = {"pruning_rate": base.pruning_rate, "bits": base.bits, "ranks": base.ranks, **changes}
        return state_bytes(SMOLLM2, Configuration(**values), device_class=device).total

    by_bits = [total(bits=changed(base.bits, layer, DEFAULT_BITS[place])) for place in (low, high)]
    by_rank = [total(ranks=changed(base.ranks, layer, DEFAULT_RANKS[place])) for place in (low, high)]
    by_rate = [total(pruning_rate=DEFAULT_RATES[place]) for place in (low, high)]

    assert by_bits[0] < by_bits[1]
    assert by_rank[0] < by_rank[1]
    assert by_rate[0] > by_rate[1]
