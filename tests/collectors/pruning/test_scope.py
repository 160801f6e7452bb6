"""The decision what to remove: how much, what first, and what never."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from collectors.pruning.scope import LayerImportance, pruned_architecture
from perfmodel.model.architecture import CHANNEL_MULTIPLE, Architecture, LayerShape


def architecture(family="llama", groups=3, channels=160, layers=9):
    return Architecture.from_config(
        {
            "model_type": family,
            "hidden_size": 64,
            "intermediate_size": channels,
            "num_hidden_layers": layers,
            "num_attention_heads": 2 * groups,
            "num_key_value_heads": groups,
            "head_dim": 8,
            "vocab_size": 100,
        }
    )


def drawn(whole, seed, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return {
        index: LayerImportance(
            scale * whole.group_parameters * torch.rand(whole.layers[index].kv_groups, generator=generator),
            whole.channel_parameters * torch.rand(whole.layers[index].channels, generator=generator),
        )
        for index in whole.prunable
    }


def prunable_parameters(shapes):
    return sum(shapes.layer_parameters(index) for index in shapes.prunable)


models = st.builds(
    architecture,
    family=st.sampled_from(["llama", "phi", "phi3"]),
    groups=st.integers(1, 5),
    channels=st.integers(8, 200),
    layers=st.integers(7, 12),
)
rates = st.floats(0, 0.99)
seeds = st.integers(0, 2**16)
scales = st.sampled_from([0.1, 1.0, 10.0])


@given(models, rates, seeds, scales)
def test_the_share_removed_is_within_half_a_part_of_the_rate_or_all_that_may_go(whole, rate, seed, scale):
    shapes = pruned_architecture(whole, rate, drawn(whole, seed, scale), "global")
    removed = prunable_parameters(whole) - prunable_parameters(shapes)
    largest = max(whole.group_parameters, CHANNEL_MULTIPLE * whole.channel_parameters)
    wanted = rate * prunable_parameters(whole)
    left = [shapes.layers[index] for index in whole.prunable]
    all_gone = all(shape.kv_groups == 1 and shape.channels < 2 * CHANNEL_MULTIPLE for shape in left)
    assert removed <= wanted + largest / 2
    assert all_gone or removed >= wanted - largest / 2


@given(models, rates, seeds)
def test_limits_hold(whole, rate, seed):
    shapes = pruned_architecture(whole, rate, drawn(whole, seed), "global")
    for index, (before, after) in enumerate(zip(whole.layers, shapes.layers, strict=True)):
        if index not in whole.prunable:
            assert after == before
        assert 1 <= after.kv_groups <= before.kv_groups
        assert min(CHANNEL_MULTIPLE, before.channels) <= after.channels <= before.channels
        assert (before.channels - after.channels) % CHANNEL_MULTIPLE == 0


@given(models, st.lists(rates, min_size=2, max_size=6), seeds)
def test_a_higher_rate_takes_at_least_as_much_from_every_layer(whole, several, seed):
    importance = drawn(whole, seed)
    found = [pruned_architecture(whole, rate, importance, "global") for rate in sorted(several)]
    for less, more in pairwise(found):
        for a, b in zip(less.layers, more.layers, strict=True):
            assert b.kv_groups <= a.kv_groups
            assert b.channels <= a.channels


def test_the_least_important_layer_gives_most():
    whole = architecture()
    importance = {
        index: LayerImportance(torch.full((3,), 10.0**index), torch.full((160,), 10.0**index))
        for index in whole.prunable
    }
    shapes = pruned_architecture(whole, 1 / 3, importance, "global")
    left = [shapes.layer_parameters(index) for index in whole.prunable]
    assert left[0] < 0.3 * whole.layer_parameters(4)  # the first of three holds a third of what may go
    assert left[2] == whole.layer_parameters(6)


def test_importance_counts_per_parameter():
    """A group and a block are of one size here, so the smaller sum goes first."""
    whole = architecture(layers=7)
    assert whole.group_parameters == 3072 == CHANNEL_MULTIPLE * whole.channel_parameters
    parts = {4: LayerImportance(torch.tensor([4.0, 1.0, 3.0]), torch.full((160,), 2.0 / 16))}
    rates = [count * 3072 / prunable_parameters(whole) for count in (1, 2, 10, 11)]
    found = [pruned_architecture(whole, rate, parts, "global").layers[4] for rate in rates]
    assert found == [LayerShape(2, 160), LayerShape(2, 144), LayerShape(2, 16), LayerShape(1, 16)]


def test_within_each_layer_is_the_architectures_own_rule():
    whole = architecture()
    assert pruned_architecture(whole, 0.3, {}, "per_layer") == whole.pruned(0.3)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_outside_zero_to_one_is_refused(rate):
    whole = architecture()
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        pruned_architecture(whole, rate, drawn(whole, 0), "global")
