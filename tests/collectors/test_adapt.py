"""Adapters: the right PEFT class, the right rank in every layer, the right scaling and count."""

import copy

import pytest
import torch
from torch import nn

from collectors.adapt import adapt
from collectors.prune import LayerImportance, decoder_layers, linear_modules, prune
from collectors.quantize import quantize
from perfmodel.architecture import MODULES, Architecture
from perfmodel.memory import adapter_parameters
from perfmodel.recipe import Recipe
from perfmodel.space import Configuration

# Twelve layers: names that begin alike (1, 10, 11) must not be taken for one another.
BITS = (16, 8, 4, 3, 2, 16, 8, 4, 3, 2, 16, 4)
RANKS = (2, 4, 0, 8, 16, 2, 4, 8, 0, 32, 1, 16)
KINDS = {
    16: "peft.tuners.lora.layer.Linear",
    8: "peft.tuners.lora.bnb.Linear8bitLt",
    4: "peft.tuners.lora.bnb.Linear4bit",
    3: "peft.tuners.lora.hqq.HqqLoraLinear",
    2: "peft.tuners.lora.hqq.HqqLoraLinear",
}
FIXED, TWICE = Recipe(alpha=16.0), Recipe(alpha_rule="twice_rank")


@pytest.fixture(scope="module")
def base(make_model):
    model = make_model(layers=12)
    for bits, layer in zip(BITS, decoder_layers(model), strict=True):
        for parent, name in linear_modules(layer).values():
            setattr(parent, name, quantize(getattr(parent, name), bits, torch.float32))
    return model


def adapted_layers(model):
    return decoder_layers(model.get_base_model())


def wrapped(model):
    """Yields layer, name and module of every linear module."""
    for index, layer in enumerate(adapted_layers(model)):
        for name, (parent, attribute) in linear_modules(layer).items():
            yield index, name, getattr(parent, attribute)


@pytest.fixture(scope="module")
def adapted(base):
    return adapt(copy.deepcopy(base), RANKS, FIXED.scaling_alpha, 0.0)


def test_every_storage_type_gets_its_own_peft_class(adapted):
    for index, _, module in wrapped(adapted):
        kind = f"{type(module).__module__}.{type(module).__name__}"
        if RANKS[index]:
            assert kind == KINDS[BITS[index]]
        else:
            assert not kind.startswith("peft")


def test_every_layer_has_its_own_rank_and_rank_0_has_no_adapter(adapted):
    seen = {}
    for index, name, module in wrapped(adapted):
        seen.setdefault(index, {})[name] = module.lora_A["default"].out_features if hasattr(module, "lora_A") else 0
    assert seen == {index: dict.fromkeys(MODULES, rank) for index, rank in enumerate(RANKS)}


@pytest.mark.parametrize(("recipe", "scaling"), [(FIXED, lambda rank: 16 / rank), (TWICE, lambda rank: 2.0)])
def test_scaling_is_alpha_over_rank(base, recipe, scaling):
    for index, _, module in wrapped(adapt(copy.deepcopy(base), RANKS, recipe.scaling_alpha, 0.0)):
        if RANKS[index]:
            assert module.scaling["default"] == scaling(RANKS[index])


def test_only_adapters_are_trained_and_they_are_float32(adapted):
    trained = {name: parameter for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    assert all(".lora_A." in name or ".lora_B." in name for name in trained)
    assert len(trained) == 2 * len(MODULES) * sum(rank > 0 for rank in RANKS)
    assert {parameter.dtype for parameter in trained.values()} == {torch.float32}


def test_the_adapted_model_starts_as_the_base(base, adapted):
    ids = torch.tensor([[5, 9, 200, 31, 77]])
    with torch.no_grad():
        assert torch.equal(adapted(input_ids=ids).logits, base(input_ids=ids).logits)
    others = {float(p.detach().abs().max()) for name, p in adapted.named_parameters() if ".lora_A." in name}
    assert min(others) > 0  # A is not zero, or nothing would ever be learnt


def test_every_adapter_of_every_class_receives_a_gradient(base):
    model = adapt(copy.deepcopy(base), RANKS, FIXED.scaling_alpha, 0.0)
    model(input_ids=torch.tensor([[5, 9, 200, 31, 77]])).logits.square().mean().backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and ".lora_B." in name:
            assert float(parameter.grad.abs().max()) > 0, name


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5])
def test_parameters_are_the_closed_form_also_after_pruning(make_model, rate):
    model = make_model(layers=12)
    architecture = Architecture.from_config(model.config.to_dict())
    importance = {index: LayerImportance(torch.rand(2), torch.rand(128)) for index in architecture.prunable}
    prune(model, architecture, rate, importance)
    made = adapt(model, RANKS, FIXED.scaling_alpha, 0.0)
    count = sum(parameter.numel() for parameter in made.parameters() if parameter.requires_grad)
    assert count == adapter_parameters(architecture, Configuration(rate, BITS, RANKS))


def test_dropout_stands_before_every_adapter(base):
    for index, _, module in wrapped(adapt(copy.deepcopy(base), RANKS, FIXED.scaling_alpha, 0.25)):
        if RANKS[index]:
            assert isinstance(module.lora_dropout["default"], nn.Dropout)
            assert module.lora_dropout["default"].p == 0.25


def test_the_same_seed_starts_the_same_adapters(base):
    def start(seed):
        torch.manual_seed(seed)
        model = adapt(copy.deepcopy(base), RANKS, FIXED.scaling_alpha, 0.0)
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters() if parameter.requires_grad])

    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))
