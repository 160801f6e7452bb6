"""Matrices, inputs and quantisers that every initialiser is tried on."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from collectors.initializers import INITIALIZERS
from collectors.quantizers import QUANTIZERS, linear_of


@dataclass
class Stored:
    """One format's functions, as an initialiser is given them, and what was asked of them."""

    format: str
    asked: list = field(default_factory=list)

    def quantize(self, weight: Tensor) -> nn.Module:
        self.asked.append(weight)
        linear = linear_of(weight)
        return linear if self.format == "float32" else QUANTIZERS[self.format].quantize(linear, torch.float32)

    def dequantize(self, module: nn.Module) -> Tensor:
        return module.weight.detach() if self.format == "float32" else QUANTIZERS[self.format].dequantize(module)


@dataclass
class Case:
    """A weight with the inputs of its module."""

    weight: Tensor
    inputs: Tensor

    def moments(self, kind):
        x = self.inputs.double()
        full = x.T @ x / len(x)
        return {"none": None, "diagonal": full.diagonal().float(), "full": full.float()}[kind]

    def start(self, name, fmt, rank=8, scaling=2.0):
        """The start, and the weight with which training would begin."""
        stored = Stored(fmt)
        initializer = INITIALIZERS[name]
        start = initializer.start(
            self.weight,
            stored.quantize,
            stored.dequantize,
            rank=rank,
            scaling=scaling,
            moments=self.moments(initializer.moments),
        )
        whole = stored.dequantize(start.base)
        if start.a is not None:
            whole = whole + scaling * start.b @ start.a
        return start, whole

    def error(self, whole):
        """Norm of what is lost of the weight."""
        return float((self.weight - whole).norm())

    def output_error(self, whole):
        """Root mean square of what is lost of the outputs on the inputs."""
        return float((self.inputs.double() @ (self.weight - whole).double().T).square().mean().sqrt())


SHAPES = {"wide": (64, 192), "tall": (192, 64)}


def make_case(rows, columns, seed=0, tokens=1000):
    """A Gaussian weight, and correlated inputs whose scales differ a thousandfold and whose mean is not zero."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, columns, generator=generator) / columns**0.5
    mixing = torch.linalg.qr(torch.randn(columns, columns, generator=generator)).Q
    scales = torch.logspace(0, -3, columns)
    inputs = torch.randn(tokens, columns, generator=generator) * scales @ mixing + 0.1
    return Case(weight, inputs)


@pytest.fixture(scope="session", params=SHAPES)
def case(request):
    return make_case(*SHAPES[request.param])


@pytest.fixture(scope="session")
def square():
    """One case for what does not hang on which side is longer."""
    return make_case(64, 64)


@pytest.fixture(scope="session")
def stored():
    return Stored
