"""Q-BLoRA alone: even sides, twice the rank, merging."""

import pytest
import torch

from collectors.adapters import ADAPTERS
from collectors.adapters.attach import lora_layers
from collectors.adapters.pooled import delta_weight
from perfmodel.errors import InvalidConfigurationError


def test_an_odd_side_is_refused_by_name(make_model):
    model = make_model(layers=1, intermediate_size=65)
    name = "model.layers.0.mlp.gate_proj"
    with pytest.raises(InvalidConfigurationError, match="gate_proj has 65 rows and 64 columns"):
        ADAPTERS["qblora"].attach(model, {name: 2}, {name: 16.0}, dropout=0.0, peft_start=True)


@pytest.fixture
def layer_and_rank(make_model):
    name, rank = "model.layers.0.mlp.down_proj", 3
    model = ADAPTERS["qblora"].attach(
        make_model(layers=1), {name: rank}, {name: 16.0}, dropout=0.0, peft_start="gaussian"
    )
    layer = lora_layers(model)[name]
    torch.manual_seed(1)
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    return layer, rank


def test_the_update_has_twice_the_rank_and_is_constant_over_pairs(layer_and_rank):
    layer, rank = layer_and_rank
    delta = delta_weight(layer)
    assert int(torch.linalg.matrix_rank(delta)) == 2 * rank
    assert torch.equal(delta[0::2], delta[1::2])
    assert torch.equal(delta[:, 0::2], delta[:, 1::2])


@pytest.mark.parametrize("safe", [True, False])
def test_merging_and_unmerging_keep_the_outputs(layer_and_rank, safe):
    layer, _ = layer_and_rank
    x = torch.randn(5, layer.in_features)
    base = layer.get_base_layer()
    with torch.no_grad():
        before, without = layer(x), base(x)
        layer.merge(safe_merge=safe)
        assert torch.allclose(base(x), before, atol=1e-4)
        assert not torch.allclose(base(x), without, atol=1e-2)
        layer.unmerge()
        assert torch.allclose(base(x), without, atol=1e-4)
        assert torch.allclose(layer(x), before, atol=1e-4)


def test_it_does_not_pose_as_plain_lora(layer_and_rank):
    assert not layer_and_rank[0].supports_lora_conversion()
