"""Distinct layers: every layer is one of them, and none is there twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.errors import InvalidConfigurationError
from perfmodel.memory import distinct_layers as module
from perfmodel.memory.distinct_layers import distinct_layers
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Configuration

LAYERS, MODULES = 8, 7
LLAMA = Architecture.from_config(
    {
        "model_type": "llama",
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 8,
        "vocab_size": 512,
    }
)


@st.composite
def many(draw):
    units = draw(st.sampled_from([LAYERS, LAYERS * MODULES]))
    values = st.lists(st.sampled_from([0, 2, 512]), min_size=units, max_size=units).map(tuple)
    bits = st.lists(st.sampled_from([2, 4, 16]), min_size=LAYERS, max_size=LAYERS).map(tuple)
    return [Configuration(0.3, draw(bits), draw(values)) for _ in range(draw(st.integers(1, 5)))]


@given(many(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_every_layer_is_one_of_the_distinct_ones_and_none_is_twice(configurations, recomputes):
    shapes = LLAMA.pruned(0.3)
    found = distinct_layers(shapes, configurations, recomputes=recomputes)
    for configuration, numbers in zip(configurations, found.number, strict=True):
        ranks = np.reshape(configuration.ranks, (LAYERS, -1)) * np.ones(MODULES, dtype=int)
        assert (found.ranks[numbers] == ranks).all()
        assert (found.bits[numbers] == np.array(configuration.bits)[:, None]).all()
        assert [shapes.layers[layer] for layer in found.layer[numbers]] == list(shapes.layers)
        before = [recomputes or bool(ranks[:layer].any()) for layer in range(LAYERS)]
        assert found.input_grad[numbers].tolist() == before
    rows = zip((shapes.layers[each] for each in found.layer), found.bits, found.ranks, found.input_grad, strict=True)
    assert len({(shape, *bits, *ranks, flow) for shape, bits, ranks, flow in rows}) == len(found.layer)


def test_a_uniform_model_has_two_kinds_of_layers_and_a_pruned_one_three():
    """The first layer's input has no gradient; layers 4 and 5 of 8 may be pruned."""
    uniform = Configuration.uniform(LAYERS, bits=4, rank=8)
    assert len(distinct_layers(LLAMA, [uniform] * 9, recomputes=False).layer) == 2
    assert len(distinct_layers(LLAMA, [uniform], recomputes=True).layer) == 1
    assert len(distinct_layers(LLAMA.pruned(0.3), [uniform], recomputes=False).layer) == 3


def test_more_combinations_than_a_number_holds_are_told_apart(monkeypatch):
    generator = np.random.default_rng(0)
    ranks = generator.integers(0, 512, (20, LAYERS * MODULES))
    configurations = [Configuration(0.0, (4,) * LAYERS, tuple(each)) for each in ranks.tolist()]
    whole = distinct_layers(LLAMA, configurations, recomputes=True)
    monkeypatch.setattr(module, "LARGEST_CODE", 2**14)
    small = distinct_layers(LLAMA, configurations, recomputes=True)
    assert len(whole.layer) == len(small.layer) == 20 * LAYERS
    assert (small.ranks[small.number] == ranks.reshape(20, LAYERS, MODULES)).all()


def test_other_numbers_of_units_are_refused():
    with pytest.raises(InvalidConfigurationError, match="9 units"):
        distinct_layers(LLAMA, [Configuration.uniform(9, bits=4, rank=4)], recomputes=False)
