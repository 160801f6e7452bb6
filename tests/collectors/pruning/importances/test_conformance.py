"""What every importance method must keep to, on models of three kinds: separate, fused, and biased with a plain MLP."""

import copy

import pytest
import torch

from collectors.pruning.importances import IMPORTANCES, layer_importances
from collectors.pruning.prune import decoder_layers, linear_modules
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import PRUNING_METHODS

TEXTS = [[(7 * i + 11 * j) % 300 + 2 for j in range(5 + 3 * i)] for i in range(4)]
USELESS = 37
UNSEEDED = [name for name, method in IMPORTANCES.items() if not method.seeded]


@pytest.fixture(params=["llama", "phi", "phi3"])
def model(request, make_model):
    model = make_model(request.param)
    torch.manual_seed(7)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture
def architecture(model):
    return Architecture.from_config(model.config.to_dict())


def scored(method, model, architecture, seed=0):
    return {
        (layer, name): scores.clone()
        for layer, name, scores in IMPORTANCES[method].scores(model, architecture, TEXTS, seed)
    }


def test_methods_are_those_of_the_space():
    assert list(IMPORTANCES) == list(PRUNING_METHODS)
    assert [name for name, method in IMPORTANCES.items() if method.seeded] == ["random"]


@pytest.mark.parametrize("method", IMPORTANCES)
def test_scores_of_every_linear_weight_are_finite_and_not_negative(method, model, architecture):
    found = scored(method, model, architecture)
    assert list(found) == [(layer, module.name) for layer in (4, 5) for module in architecture.modules]
    for (layer, name), scores in found.items():
        assert tuple(scores.shape) == architecture.module_shapes(layer)[name]
        assert torch.isfinite(scores).all()
        assert float(scores.min()) >= 0
        assert float(scores.max()) > 0


@pytest.mark.parametrize("method", IMPORTANCES)
def test_scores_are_the_same_each_time(method, model, architecture):
    first, second = scored(method, model, architecture, seed=5), scored(method, model, architecture, seed=5)
    assert all(torch.equal(scores, second[key]) for key, scores in first.items())


@pytest.mark.parametrize("method", IMPORTANCES)
def test_only_a_seeded_method_reads_the_seed(method, model, architecture):
    first, second = scored(method, model, architecture, seed=0), scored(method, model, architecture, seed=1)
    same = all(torch.equal(scores, second[key]) for key, scores in first.items())
    assert same == (not IMPORTANCES[method].seeded)


@pytest.mark.parametrize("method", IMPORTANCES)
def test_the_model_is_left_as_it_was(method, model, architecture):
    model.train()
    decoder_layers(model)[5].eval()
    kept = model.get_input_embeddings().weight
    kept.requires_grad_(requires_grad=False)
    last = decoder_layers(model)[5].self_attn
    for parameter in last.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = copy.deepcopy(model)
    scored(method, model, architecture)
    for (name, old), (_, new) in zip(before.named_parameters(), model.named_parameters(), strict=True):
        assert torch.equal(old, new), name
        assert old.requires_grad == new.requires_grad, name
    assert [part.training for part in before.modules()] == [part.training for part in model.modules()]
    untouched = {id(parameter) for parameter in last.parameters()}
    for parameter in model.parameters():
        if id(parameter) in untouched:
            assert torch.equal(parameter.grad, torch.ones_like(parameter))
        else:
            assert parameter.grad is None
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    assert not any(parameter._backward_hooks for parameter in model.parameters())


@pytest.mark.parametrize("method", UNSEEDED)
def test_a_useless_channel_is_ranked_last(method, model, architecture):
    """Its weights into the MLP (of the gate, where there is one) and out of it are zero."""
    layer = decoder_layers(model)[4]
    for module in architecture.modules:
        linear = getattr(getattr(layer, module.parent), module.name)
        if module.columns == "channels":
            linear.weight.data[:, USELESS] = 0
        elif "channels" in module.rows and module.name != "up_proj":
            linear.weight.data[USELESS] = 0
            if linear.bias is not None:
                linear.bias.data[USELESS] = 0
    found = layer_importances(IMPORTANCES[method], model, architecture, TEXTS, 0)
    assert int(found[4].channels.argmin()) == USELESS


def test_an_input_that_is_never_active_counts_for_nothing(make_model):
    model = make_model()
    architecture = Architecture.from_config(model.config.to_dict())
    mlp = decoder_layers(model)[4].mlp
    mlp.gate_proj.weight.data[USELESS] = 0  # silu(0) = 0: nothing reaches column 37 of down_proj
    found = scored("activation_magnitude", model, architecture)[4, "down_proj"]
    assert float(found[:, USELESS].sum()) == 0
    assert int((found.sum(0) == 0).sum()) == 1
    assert float(scored("magnitude", model, architecture)[4, "down_proj"][:, USELESS].sum()) > 1


@pytest.mark.parametrize("method", IMPORTANCES)
def test_a_group_and_a_channel_are_the_sum_of_all_that_leaves_with_them(method, model, architecture):
    found = layer_importances(IMPORTANCES[method], model, architecture, TEXTS, 0)
    assert list(found) == [4, 5]
    scores = scored(method, model, architecture)
    for index, importance in found.items():
        total = sum(
            float(scores[index, name].sum()) for name in linear_modules(decoder_layers(model)[index], architecture)
        )
        parts = float(importance.groups.sum() + importance.channels.sum())
        assert parts == pytest.approx(total, rel=1e-4)
        assert importance.groups.shape == (2,)
        assert importance.channels.shape == (128,)
        channel = sum(
            (float(scores[index, module.name][:, 5].sum()) if module.columns == "channels" else 0)
            + sum(
                float(scores[index, module.name][start + 5].sum())
                for start, block in zip((0, 128), module.rows, strict=False)
                if block == "channels"
            )
            for module in architecture.modules
        )
        assert float(importance.channels[5]) == pytest.approx(channel, rel=1e-4)


def test_a_model_without_prunable_layers_has_no_importance(make_model):
    model = make_model(layers=6)
    architecture = Architecture.from_config(model.config.to_dict())
    for method in IMPORTANCES.values():
        assert layer_importances(method, model, architecture, TEXTS, 0) == {}
