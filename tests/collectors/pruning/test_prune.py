"""Shapes, choice and harmlessness of structured pruning, for every family."""

import copy

import pytest
import torch

from collectors.pruning.prune import LayerImportance, decoder_layers, linear_modules, prune
from perfmodel.model.architecture import FAMILIES, Architecture

IDS = torch.tensor([[5, 9, 200, 31, 77, 8, 120]])


def architecture_of(model):
    return Architecture.from_config(model.config.to_dict())


def weights(layer, architecture):
    return {name: getattr(*place).weight for name, place in linear_modules(layer, architecture).items()}


def random_importance(architecture, seed=0):
    torch.manual_seed(seed)
    return {
        index: LayerImportance(
            torch.rand(architecture.layers[index].kv_groups), torch.rand(architecture.layers[index].channels)
        )
        for index in architecture.prunable
    }


def logits_of(model):
    with torch.no_grad():
        return model(input_ids=IDS, use_cache=False).logits


def with_random_biases(model):
    torch.manual_seed(7)
    for name, parameter in model.named_parameters():
        if name.endswith(".bias"):
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture(params=[(family, {}) for family in FAMILIES] + [("phi", {"qk_layernorm": True})], ids=str)
def model(request, make_model):
    """A random model of each family, biases included."""
    family, changes = request.param
    return with_random_biases(make_model(family, **changes))


@pytest.mark.parametrize("scope", ["per_layer", "global"])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.5, 0.9])
def test_shapes_are_those_the_architecture_promises(make_model, rate, scope):
    model = make_model()
    architecture = architecture_of(model)
    pruned = prune(model, architecture, rate, random_importance(architecture), scope)
    if scope == "per_layer":
        assert pruned == architecture.pruned(rate)
    for index, layer in enumerate(decoder_layers(model)):
        found = {name: tuple(weight.shape) for name, weight in weights(layer, architecture).items()}
        assert found == pruned.module_shapes(index)
    assert torch.isfinite(logits_of(model)).all()


@pytest.mark.parametrize("scope", ["per_layer", "global"])
def test_every_parameter_of_the_pruned_model_is_counted(model, scope):
    architecture = architecture_of(model)
    pruned = prune(model, architecture, 0.4, random_importance(architecture), scope)
    linear = sum(pruned.layer_parameters(index) for index in range(len(pruned.layers)))
    assert linear + pruned.rest_parameters == sum(parameter.numel() for parameter in model.parameters())
    assert sum(pruned.layer_parameters(index) for index in pruned.prunable) < 0.7 * sum(
        architecture.layer_parameters(index) for index in pruned.prunable
    )


def test_the_first_four_and_last_two_layers_stay_as_they_are(make_model):
    model = make_model()
    before = copy.deepcopy(decoder_layers(model))
    architecture = architecture_of(model)
    prune(model, architecture, 0.5, random_importance(architecture))
    for index, layer in enumerate(decoder_layers(model)):
        pairs = zip(weights(before[index], architecture).values(), weights(layer, architecture).values(), strict=True)
        same = all(old.shape == new.shape and torch.equal(old, new) for old, new in pairs)
        assert same == (index in (0, 1, 2, 3, 6, 7))


def test_exactly_the_least_important_groups_and_channels_go(make_model):
    model = make_model(layers=7, hidden_size=96, num_attention_heads=6, num_key_value_heads=3)
    architecture = architecture_of(model)
    assert list(architecture.prunable) == [4]
    old = {name: weight.clone() for name, weight in weights(decoder_layers(model)[4], architecture).items()}
    target = architecture.pruned(0.5).layers[4]
    assert target.kv_groups == 1
    least = torch.arange(0, 128, 2)[: 128 - target.channels]
    channels = torch.full((128,), 5.0)
    channels[least] = torch.linspace(1, 2, len(least))
    prune(model, architecture, 0.5, {4: LayerImportance(torch.tensor([0.2, 3.0, 0.1]), channels)})

    kept = torch.tensor([channel for channel in range(128) if channel not in set(least.tolist())])
    queries, keys = slice(2 * 16, 4 * 16), slice(16, 32)  # group 1 keeps its own two query heads, 2 and 3
    new = weights(decoder_layers(model)[4], architecture)
    assert torch.equal(new["q_proj"], old["q_proj"][queries])
    assert torch.equal(new["k_proj"], old["k_proj"][keys])
    assert torch.equal(new["v_proj"], old["v_proj"][keys])
    assert torch.equal(new["o_proj"], old["o_proj"][:, queries])
    assert torch.equal(new["gate_proj"], old["gate_proj"][kept])
    assert torch.equal(new["up_proj"], old["up_proj"][kept])
    assert torch.equal(new["down_proj"], old["down_proj"][:, kept])


def test_fused_matrices_lose_the_same_rows_of_every_block(make_model):
    model = make_model("phi3", layers=7)
    architecture = architecture_of(model)
    old = {name: weight.clone() for name, weight in weights(decoder_layers(model)[4], architecture).items()}
    channels = torch.zeros(128)
    channels[:80] = 1
    prune(model, architecture, 0.4, {4: LayerImportance(torch.tensor([0.0, 1.0]), channels)})

    new = weights(decoder_layers(model)[4], architecture)
    left = len(new["gate_up_proj"]) // 2
    assert left == architecture.pruned(0.4).layers[4].channels <= 80
    # two groups of two query heads of width 16: queries 0-63, keys 64-95, values 96-127
    expected = torch.cat([old["qkv_proj"][32:64], old["qkv_proj"][80:96], old["qkv_proj"][112:128]])
    assert torch.equal(new["qkv_proj"], expected)
    assert torch.equal(new["gate_up_proj"][:left, 0], old["gate_up_proj"][:128][:left, 0])
    assert torch.equal(new["gate_up_proj"][left:], old["gate_up_proj"][128:][:left])


def test_a_fused_layer_is_told_its_own_head_counts_only(make_model):
    model = make_model("phi3", layers=7)
    architecture = architecture_of(model)
    prune(model, architecture, 0.5, random_importance(architecture))
    counts = [layer.self_attn.config.num_attention_heads for layer in decoder_layers(model)]
    assert counts == [4, 4, 4, 4, 2, 4, 4]
    assert model.config.num_attention_heads == 4


@pytest.mark.parametrize("scope", ["per_layer", "global"])
def test_removing_is_the_same_as_masking(model, scope):
    """What a group or channel sends on passes through its columns of the output matrix: zero there is removal."""
    architecture = architecture_of(model)
    importance, pruned = random_importance(architecture, seed=3), copy.deepcopy(model)
    before = logits_of(model)
    shapes = prune(pruned, architecture, 0.5, importance, scope)
    width = architecture.head_dim * architecture.queries_per_group
    for index in architecture.prunable:
        attention_out, mlp_out = (
            weights(decoder_layers(model)[index], architecture)[module.name]
            for module in architecture.modules
            if module.columns != "hidden"
        )
        shape, left = architecture.layers[index], shapes.layers[index]
        for group in importance[index].groups.argsort()[: shape.kv_groups - left.kv_groups].tolist():
            attention_out.data[:, group * width : (group + 1) * width] = 0
        mlp_out.data[:, importance[index].channels.argsort()[: shape.channels - left.channels]] = 0
    masked, found = logits_of(model), logits_of(pruned)
    assert float((found - masked).abs().max()) < 1e-5 * float(before.abs().max())
    assert float((found - before).abs().max()) > 1e-2 * float(before.abs().max())


def test_biases_follow_their_rows(make_model):
    model = with_random_biases(make_model("phi", layers=7))
    layer = decoder_layers(model)[4]
    old = {name: getattr(*place).bias.clone() for name, place in linear_modules(layer, architecture_of(model)).items()}
    architecture = architecture_of(model)
    channels = torch.arange(128).float()
    prune(model, architecture, 0.5, {4: LayerImportance(torch.tensor([0.0, 1.0]), channels)})
    left = architecture.pruned(0.5).layers[4].channels
    assert torch.equal(layer.self_attn.q_proj.bias, old["q_proj"][32:])
    assert torch.equal(layer.self_attn.k_proj.bias, old["k_proj"][16:])
    assert torch.equal(layer.self_attn.v_proj.bias, old["v_proj"][16:])
    assert torch.equal(layer.self_attn.dense.bias, old["dense"])
    assert torch.equal(layer.mlp.fc1.bias, old["fc1"][-left:])
    assert torch.equal(layer.mlp.fc2.bias, old["fc2"])


def test_generation_with_a_cache_is_generation_without(model):
    """Layers keep key/value caches of different widths."""
    architecture = architecture_of(model)
    pruned = prune(model, architecture, 0.5, random_importance(architecture))
    assert len({shape.kv_groups for shape in pruned.layers}) == 2
    settings = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False, "attention_mask": torch.ones_like(IDS)}
    cached = model.generate(IDS, use_cache=True, **settings)
    plain = model.generate(IDS, use_cache=False, **settings)
    assert cached.shape == (1, 15)
    assert torch.equal(cached, plain)


def test_checkpointed_gradients_are_plain_gradients(model):
    architecture = architecture_of(model)
    prune(model, architecture, 0.5, random_importance(architecture))
    model.requires_grad_(requires_grad=True).train()
    found = []
    for checkpointed in (False, True):
        if checkpointed:
            model.activation_checkpointing_enable({"use_reentrant": False})
        model.zero_grad()
        model(input_ids=IDS, labels=IDS, use_cache=False).loss.backward()
        found.append({name: parameter.grad.clone() for name, parameter in model.named_parameters()})
    plain, again = found
    assert plain.keys() == again.keys()
    assert all(torch.allclose(plain[name], again[name], rtol=1e-4, atol=1e-6) for name in plain)
    assert max(float(gradient.abs().max()) for gradient in plain.values()) > 1e-3


def test_a_model_without_prunable_layers_stays_whole(make_model):
    model = make_model(layers=6)
    architecture = architecture_of(model)
    assert prune(model, architecture, 0.5, {}) == architecture
    assert prune(model, architecture, 0.5, {}, "global") == architecture
