"""Which optimiser a recipe gets, and the bytes of its state."""

import pytest
import torch

from collectors.trial.optimizers import OPTIMIZERS, make_optimizer, state_bytes_of
from perfmodel.errors import InvalidConfigurationError
from perfmodel.space.recipe import Recipe


def stepped(name, device="cpu"):
    weight = torch.nn.Parameter(torch.ones(128, 64, device=device))
    optimizer = make_optimizer([weight], Recipe(optimizer=name, learning_rate=0.01))
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    return weight, optimizer


def test_adamw_moves_by_the_learning_rate_and_keeps_two_moments():
    weight, optimizer = stepped("adamw")
    assert torch.allclose(weight, torch.full_like(weight, 0.99), atol=1e-5)
    assert state_bytes_of(optimizer) == 2 * 4 * 128 * 64 + 4


def test_eight_bit_moments_take_a_quarter():
    weight, optimizer = stepped("adamw_8bit")
    assert torch.allclose(weight, torch.full_like(weight, 0.99), atol=1e-4)
    blocks = 128 * 64 / 256
    assert state_bytes_of(optimizer) == 2 * (128 * 64 + 4 * blocks + 4 * 256)


def test_paging_needs_a_gpu():
    with pytest.raises(InvalidConfigurationError, match=r"is no GPU.*choose adamw"):
        stepped("paged_adamw_8bit")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_steps_on_a_gpu(name):
    weight, _ = stepped(name, "cuda")
    assert torch.allclose(weight, torch.full_like(weight, 0.99), atol=1e-3)
