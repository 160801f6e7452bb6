"""Linear modules to quantise, and every format's module of one of them."""

import pytest
import torch
from torch import nn

from collectors.quantizers import QUANTIZERS


@pytest.fixture(scope="session")
def make_linear():
    """Makes a Gaussian matrix of SmolLM2's scale."""

    def make(rows, columns, *, bias=False, seed=0):
        torch.manual_seed(seed)
        made = nn.Linear(columns, rows, bias=bias)
        nn.init.normal_(made.weight, std=0.1)
        return made

    return make


@pytest.fixture(scope="session")
def wide(make_linear):
    """One matrix of SmolLM2's MLP shape in every format."""
    source = make_linear(576, 1536)
    return source, {name: quantizer.quantize(source, torch.float32) for name, quantizer in QUANTIZERS.items()}
