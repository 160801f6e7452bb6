"""Second moments: the definition, what is shared, and that the model is left as it was."""

import pytest
import torch

from collectors.pruning.input_moments import input_moments
from collectors.pruning.prune import decoder_layers, linear_modules, prune
from perfmodel.model.architecture import Architecture

TEXTS = [[5, 9, 200, 31, 77], [8, 250, 1], list(range(2, 40)), [3]]


@pytest.fixture(scope="module", params=["llama", "gemma2", "phi3"])
def model(request, make_model):
    return make_model(request.param, layers=3)


@pytest.fixture(scope="module")
def architecture(model):
    return Architecture.from_config(model.config.to_dict())


def inputs_of(model, architecture):
    """Every module's inputs over all texts, kept whole, in float64."""
    kept = {}
    handles = []
    for index, layer in enumerate(decoder_layers(model)):
        for name, (parent, attribute) in linear_modules(layer, architecture).items():

            def keep(module, args, place=(index, name)):
                kept.setdefault(place, []).append(args[0].detach().flatten(0, -2).double())

            handles.append(getattr(parent, attribute).register_forward_pre_hook(keep))
    with torch.no_grad():
        for ids in TEXTS:
            model(input_ids=torch.tensor([ids]))
    for handle in handles:
        handle.remove()
    return {place: torch.cat(parts) for place, parts in kept.items()}


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_moments_are_means_over_all_tokens(model, architecture, kind):
    expected = inputs_of(model, architecture)
    found = input_moments(model, architecture, TEXTS, kind)
    assert list(found) == list(expected)
    for place, x in expected.items():
        assert len(x) == sum(map(len, TEXTS))
        mean = x.square().mean(0) if kind == "diagonal" else x.T @ x / len(x)
        assert found[place].dtype == torch.float32
        assert found[place].shape == mean.shape
        assert float((found[place] - mean).abs().max()) <= 1e-6 * float(mean.abs().max())


def test_modules_with_the_same_input_share_one_tensor(model, architecture):
    found = input_moments(model, architecture, TEXTS, "full")
    kinds = {}
    for (index, name), matrix in found.items():
        kinds.setdefault((index, id(matrix)), set()).add(name)
    fused = model.config.model_type == "phi3"
    attention = {"qkv_proj"} if fused else {"q_proj", "k_proj", "v_proj"}
    mlp = {"gate_up_proj"} if fused else {"gate_proj", "up_proj"}
    for index in range(3):
        groups = [names for (layer, _), names in kinds.items() if layer == index]
        assert sorted(groups, key=min) == sorted([attention, {"o_proj"}, mlp, {"down_proj"}], key=min)


def test_the_model_is_left_without_hooks_or_gradients(model, architecture):
    input_moments(model, architecture, TEXTS, "diagonal")
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_hooks_go_also_when_a_text_cannot_be_read(make_model):
    model = make_model(layers=1)
    with pytest.raises(IndexError):
        input_moments(model, Architecture.from_config(model.config.to_dict()), [[10**6]], "full")
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_pruned_model_gives_the_shapes_of_what_is_left(make_model):
    from collectors.pruning.prune import LayerImportance

    model = make_model(layers=8)
    whole = Architecture.from_config(model.config.to_dict())
    left = prune(model, whole, 0.3, {i: LayerImportance(torch.rand(2), torch.rand(128)) for i in whole.prunable})
    assert left != whole
    for (index, name), matrix in input_moments(model, left, TEXTS, "full").items():
        columns = left.module_shapes(index)[name][1]
        assert matrix.shape == (columns, columns)
