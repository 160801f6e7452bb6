"""The optimisers of a recipe: AdamW, bitsandbytes' 8-bit AdamW, and its form that pages to host memory."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from perfmodel.errors import InvalidConfigurationError
from perfmodel.space.recipe import Optimizer, Recipe


def make_optimizer(parameters: Sequence[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """Returns the recipe's optimiser over the adapters' parameters.

    Args:
        parameters: trained parameters, at least one.
        recipe: name of the optimiser, learning rate and weight decay.

    Raises:
        InvalidConfigurationError: it pages and the parameters do not lie on a CUDA device.
    """
    optimizer: torch.optim.Optimizer = OPTIMIZERS[recipe.optimizer](
        parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    return optimizer


def state_bytes_of(optimizer: torch.optim.Optimizer) -> int:
    """Returns the bytes of the tensors in an optimiser's state.

    Args:
        optimizer: any; before its first step the state is empty.
    """
    return sum(
        value.untyped_storage().nbytes()
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    )


def _adamw_8bit(parameters: Sequence[Tensor], **settings: float) -> torch.optim.Optimizer:
    import bitsandbytes as bnb

    made: torch.optim.Optimizer = bnb.optim.AdamW8bit(parameters, **settings)
    return made


def _paged_adamw_8bit(parameters: Sequence[Tensor], **settings: float) -> torch.optim.Optimizer:
    import bitsandbytes as bnb

    if any(parameter.device.type != "cuda" for parameter in parameters):
        raise InvalidConfigurationError(
            "recipe.optimizer is 'paged_adamw_8bit' on a device that is no GPU",
            "paging moves optimiser state between a CUDA device and the host",
            "choose adamw or adamw_8bit here",
        )
    made: torch.optim.Optimizer = bnb.optim.PagedAdamW8bit(parameters, **settings)
    return made


OPTIMIZERS: dict[Optimizer, Callable[..., Any]] = {
    "adamw": torch.optim.AdamW,
    "adamw_8bit": _adamw_8bit,
    "paged_adamw_8bit": _paged_adamw_8bit,
}
