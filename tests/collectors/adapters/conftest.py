"""A tiny model whose layers are each stored in another format."""

import copy
from functools import cache

import pytest
import torch
from torch import nn

from collectors.adapters import ADAPTERS
from collectors.initializers import Start
from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.quantizers import QUANTIZERS
from perfmodel.model.architecture import Architecture

STORED = ("float32", "bf16", "int8", "nf4", "nf4dq", "fp4", "hqq8g64", "hqq4g64", "hqq3g64", "hqq2g64", "bf16", "nf4")
"""Format of each layer; twelve, so that names that begin alike (1, 10, 11) are not taken for one another."""


class Mixed:
    """A model with its linear modules by full name."""

    def __init__(self, model):
        self.model = model
        architecture = Architecture.from_config(model.config.to_dict())
        names = {id(module): name for name, module in model.named_modules()}
        self.places = {
            f"{names[id(parent)]}.{attribute}": (parent, attribute)
            for layer in decoder_layers(model)
            for parent, attribute in linear_modules(layer, architecture).values()
        }
        self.shapes = {name: tuple(getattr(*place).weight.shape) for name, place in self.places.items()}
        self.formats = {name: STORED[int(name.split(".")[2])] for name in self.places}
        for name, (parent, attribute) in self.places.items():
            linear = getattr(parent, attribute).requires_grad_(False)
            if self.formats[name] != "float32":
                setattr(parent, attribute, QUANTIZERS[self.formats[name]].quantize(linear, torch.float32))
        for parameter in model.parameters():
            parameter.requires_grad = False

    def copy(self):
        return copy.deepcopy(self.model)

    def base_weight(self, name, module):
        """The float32 weight that a base module computes with."""
        fmt = self.formats[name]
        return module.weight.detach() if fmt == "float32" else QUANTIZERS[fmt].dequantize(module)

    def ranks(self, rank=4):
        """Another rank in every module, and none in some."""
        return {name: (0, rank, 2 * rank, 1)[index % 4] for index, name in enumerate(self.places)}

    @cache  # noqa: B019 - the session's two models live as long as the tests
    def attached(self, adapter):
        """A model for tests that only look at it."""
        return self.attach(adapter)

    def attach(self, adapter, ranks=None, alpha=16.0, dropout=0.0, peft_start=True, model=None):
        ranks = self.ranks() if ranks is None else ranks
        alphas = dict.fromkeys(ranks, alpha)
        return ADAPTERS[adapter].attach(
            self.copy() if model is None else model, ranks, alphas, dropout=dropout, peft_start=peft_start
        )


@pytest.fixture(scope="session")
def mixed(make_model):
    return Mixed(make_model(layers=len(STORED)))


@pytest.fixture(scope="session")
def wide(make_model):
    return Mixed(make_model(layers=len(STORED), intermediate_size=320, num_attention_heads=8, attention_bias=True))


@pytest.fixture(params=["mixed", "wide"])
def shaped(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def random_starts():
    """Draws A and B for every adapter of a model, in the shapes that it has."""

    def draw(model, seed=5):
        from collectors.adapters.attach import lora_layers

        generator = torch.Generator().manual_seed(seed)
        return {
            name: Start(
                nn.Identity(),
                torch.randn(layer.lora_A["default"].weight.shape, generator=generator) / 8,
                torch.randn(layer.lora_B["default"].weight.shape, generator=generator) / 8,
            )
            for name, layer in lora_layers(model).items()
        }

    return draw
