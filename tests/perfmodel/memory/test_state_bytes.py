"""Bytes worked out by hand, and what may not fall or rise."""

from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.memory.state_bytes import adapter_parameters, state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Configuration

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
@settings(max_examples=25, deadline=None)
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
