"""Shapes, choice and harmlessness of structured pruning."""

import copy

import pytest
import torch

from collectors.prune import (
    CALIBRATION_SAMPLES,
    CALIBRATION_TOKENS,
    LayerImportance,
    decoder_layers,
    linear_modules,
    prune,
    taylor_importance,
)
from perfmodel.architecture import Architecture

TEXTS = [[(7 * i + 11 * j) % 300 + 2 for j in range(5 + 3 * i)] for i in range(4)]
FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "gemma2")


def architecture_of(model):
    return Architecture.from_config(model.config.to_dict())


def weights(layer):
    return {name: getattr(*place).weight for name, place in linear_modules(layer).items()}


def random_importance(architecture, seed=0):
    torch.manual_seed(seed)
    return {
        index: LayerImportance(
            torch.rand(architecture.layers[index].kv_groups), torch.rand(architecture.layers[index].channels)
        )
        for index in architecture.prunable
    }


def logits_of(model):
    ids = torch.tensor([[5, 9, 200, 31, 77, 8, 120]])
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False).logits


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.5, 0.9])
def test_shapes_are_those_the_architecture_promises(make_model, rate):
    model = make_model()
    architecture = architecture_of(model)
    pruned = prune(model, architecture, rate, random_importance(architecture))
    assert pruned == architecture.pruned(rate)
    for index, layer in enumerate(decoder_layers(model)):
        assert {name: tuple(weight.shape) for name, weight in weights(layer).items()} == pruned.module_shapes(index)
    assert torch.isfinite(logits_of(model)).all()


def test_the_first_four_and_last_two_layers_stay_as_they_are(make_model):
    model = make_model()
    before = copy.deepcopy(decoder_layers(model))
    architecture = architecture_of(model)
    prune(model, architecture, 0.5, random_importance(architecture))
    for index, layer in enumerate(decoder_layers(model)):
        same = all(
            old.shape == new.shape and torch.equal(old, new)
            for old, new in zip(weights(before[index]).values(), weights(layer).values(), strict=True)
        )
        assert same == (index in (0, 1, 2, 3, 6, 7))


def test_exactly_the_least_important_groups_and_channels_go(make_model):
    model = make_model(layers=7, hidden_size=96, num_attention_heads=6, num_key_value_heads=3)
    architecture = architecture_of(model)
    assert list(architecture.prunable) == [4]
    old = {name: weight.clone() for name, weight in weights(decoder_layers(model)[4]).items()}
    target = architecture.pruned(0.5).layers[4]
    assert target.kv_groups == 1
    least = torch.arange(0, 128, 2)[: 128 - target.channels]
    channels = torch.full((128,), 5.0)
    channels[least] = torch.linspace(1, 2, len(least))
    prune(model, architecture, 0.5, {4: LayerImportance(torch.tensor([0.2, 3.0, 0.1]), channels)})

    kept = torch.tensor([channel for channel in range(128) if channel not in set(least.tolist())])
    queries, keys = slice(2 * 16, 4 * 16), slice(16, 32)  # group 1 keeps its own two query heads, 2 and 3
    new = weights(decoder_layers(model)[4])
    assert torch.equal(new["q_proj"], old["q_proj"][queries])
    assert torch.equal(new["k_proj"], old["k_proj"][keys])
    assert torch.equal(new["v_proj"], old["v_proj"][keys])
    assert torch.equal(new["o_proj"], old["o_proj"][:, queries])
    assert torch.equal(new["gate_proj"], old["gate_proj"][kept])
    assert torch.equal(new["up_proj"], old["up_proj"][kept])
    assert torch.equal(new["down_proj"], old["down_proj"][:, kept])


def silence(layer, importance, architecture, target):
    """Sets to zero all that leaves with the least important groups and channels."""
    width = architecture.head_dim
    for group in importance.groups.argsort()[: architecture.layers[4].kv_groups - target.kv_groups].tolist():
        heads = slice(
            group * width * architecture.queries_per_group, (group + 1) * width * architecture.queries_per_group
        )
        own = slice(group * width, (group + 1) * width)
        for name, rows in (("q_proj", heads), ("k_proj", own), ("v_proj", own)):
            weights(layer)[name].data[rows] = 0
        weights(layer)["o_proj"].data[:, heads] = 0
    gone = importance.channels.argsort()[: architecture.layers[4].channels - target.channels]
    weights(layer)["gate_proj"].data[gone] = 0
    weights(layer)["up_proj"].data[gone] = 0
    weights(layer)["down_proj"].data[:, gone] = 0


@pytest.mark.parametrize("family", FAMILIES)
def test_removing_what_is_zero_changes_nothing(make_model, family):
    model = make_model(family)
    for name, parameter in model.named_parameters():
        if name.endswith(".bias"):
            torch.nn.init.normal_(parameter)
    architecture = architecture_of(model)
    importance = random_importance(architecture, seed=3)
    for index in architecture.prunable:
        silence(decoder_layers(model)[index], importance[index], architecture, architecture.pruned(0.5).layers[index])
    before = logits_of(model)
    prune(model, architecture, 0.5, importance)
    assert float((logits_of(model) - before).abs().max()) < 1e-5 * float(before.abs().max())


@pytest.mark.parametrize("family", FAMILIES)
def test_removing_what_is_not_zero_changes_the_output(make_model, family):
    model = make_model(family)
    architecture = architecture_of(model)
    before = logits_of(model)
    prune(model, architecture, 0.5, random_importance(architecture))
    assert float((logits_of(model) - before).abs().max()) > 1e-2 * float(before.abs().max())


def test_biases_follow_their_rows(make_model):
    model = make_model("qwen2", layers=7)
    layer = decoder_layers(model)[4]
    torch.nn.init.normal_(layer.self_attn.q_proj.bias)
    torch.nn.init.normal_(layer.self_attn.k_proj.bias)
    queries, keys = layer.self_attn.q_proj.bias.clone(), layer.self_attn.k_proj.bias.clone()
    architecture = architecture_of(model)
    prune(model, architecture, 0.5, {4: LayerImportance(torch.tensor([0.0, 1.0]), torch.rand(128))})
    assert torch.equal(layer.self_attn.q_proj.bias, queries[32:])
    assert torch.equal(layer.self_attn.k_proj.bias, keys[16:])
    assert layer.self_attn.o_proj.bias is None


def test_taylor_importance_is_the_sum_of_weight_times_gradient(make_model):
    model = make_model()
    architecture = architecture_of(model)
    twin = copy.deepcopy(model)
    losses = []
    for text in TEXTS:
        ids = torch.tensor([text])
        logits = twin(input_ids=ids, use_cache=False).logits[0, :-1]
        losses.append(torch.nn.functional.cross_entropy(logits, ids[0, 1:]))
    torch.stack(losses).mean().backward()

    found = taylor_importance(model, architecture, TEXTS)
    assert list(found) == [4, 5]
    for index, importance in found.items():
        product = {name: (w * w.grad).abs().detach() for name, w in weights(decoder_layers(twin)[index]).items()}
        for group in range(2):
            heads, own = slice(32 * group, 32 * group + 32), slice(16 * group, 16 * group + 16)
            expected = (
                product["q_proj"][heads].sum()
                + product["k_proj"][own].sum()
                + product["v_proj"][own].sum()
                + product["o_proj"][:, heads].sum()
            )
            assert float(importance.groups[group]) == pytest.approx(float(expected), rel=1e-4)
        for channel in (0, 1, 77, 127):
            expected = (
                product["gate_proj"][channel].sum()
                + product["up_proj"][channel].sum()
                + product["down_proj"][:, channel].sum()
            )
            assert float(importance.channels[channel]) == pytest.approx(float(expected), rel=1e-4)


def test_taylor_importance_leaves_no_gradients_behind(make_model):
    model = make_model()
    taylor_importance(model, architecture_of(model), TEXTS)
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.parameters())


def test_taylor_importance_reads_ten_texts_of_64_tokens(make_model):
    model = make_model()
    architecture = architecture_of(model)
    texts = [[(3 * i + 5 * j) % 300 + 2 for j in range(80)] for i in range(12)]
    cut = [text[:CALIBRATION_TOKENS] for text in texts[:CALIBRATION_SAMPLES]]
    long, short = taylor_importance(model, architecture, texts), taylor_importance(model, architecture, cut)
    for index in architecture.prunable:
        assert torch.equal(long[index].groups, short[index].groups)
        assert torch.equal(long[index].channels, short[index].channels)


def test_a_model_without_prunable_layers_has_no_importance(make_model):
    model = make_model(layers=6)
    architecture = architecture_of(model)
    assert taylor_importance(model, architecture, TEXTS) == {}
    assert prune(model, architecture, 0.5, {}) == architecture
