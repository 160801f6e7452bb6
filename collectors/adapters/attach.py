"""LoRA through PEFT, with a rank and an alpha of its own in every module."""

import re
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from collectors.initializers.contract import Start
from perfmodel.errors import InvalidConfigurationError

ADAPTER = "default"
"""Name that PEFT gives to the first adapter of a model."""

ORTHOGONAL_SHRINK = 10.0
"""Divides both factors of the orthogonal start. Source: PEFT's ``orthogonal_init``."""


def attach_lora(
    model: nn.Module,
    ranks: Mapping[str, int],
    alphas: Mapping[str, float],
    *,
    dropout: float,
    peft_start: bool | str,
    use_rslora: bool = False,
    use_dora: bool = False,
) -> nn.Module:
    """Returns the model wrapped by PEFT.

    Args:
        model: model whose linear modules lie in their final formats; they are wrapped in place.
        ranks: rank of each linear module by its full name; 0 leaves a module without an adapter.
        alphas: alpha of each module with a rank above 0, by the same names.
        dropout: probability of dropping an input of A while training, in [0, 1).
        peft_start: start of A and B that PEFT is asked for.
        use_rslora: whether alpha is divided by the square root of the rank instead of the rank.
        use_dora: whether a magnitude of each row is learned.

    Raises:
        InvalidConfigurationError: every rank is 0.
    """
    from peft import LoraConfig, get_peft_model

    wanted = {name: rank for name, rank in ranks.items() if rank}
    if not wanted:
        raise InvalidConfigurationError(
            "every rank is 0", "at least one module needs an adapter", "give it a rank above 0"
        )
    # PEFT picks its bitsandbytes layers by these two flags; without them it wraps quantised modules as plain ones.
    model.is_loaded_in_4bit = model.is_loaded_in_8bit = True  # type: ignore[assignment]  # flags, not modules
    settings = LoraConfig(
        r=max(wanted.values()),
        target_modules=list(wanted),
        rank_pattern={re.escape(name): rank for name, rank in wanted.items()},
        alpha_pattern={re.escape(name): alphas[name] for name in wanted},
        lora_dropout=dropout,
        init_lora_weights=True if peft_start == "orthogonal" else peft_start,  # type: ignore[arg-type]  # a name
        use_rslora=use_rslora,
        use_dora=use_dora,
        bias="none",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
        adapted: nn.Module = get_peft_model(model, settings)
    if peft_start == "orthogonal":
        for layer in lora_layers(adapted).values():
            _start_orthogonal(layer)
    return adapted


def lora_layers(model: nn.Module) -> dict[str, Any]:
    """Returns PEFT's layer of every adapted module, by the module's full name in the base model.

    Args:
        model: model from ``attach_lora``.
    """
    from peft.tuners.lora import LoraLayer

    base = model.get_base_model()  # type: ignore[operator]  # PEFT's method, untyped
    return {name: module for name, module in base.named_modules() if isinstance(module, LoraLayer)}


def copy_starts(model: nn.Module, starts: Mapping[str, Start]) -> None:
    """Copies A and B of every start that has them into the adapters.

    Args:
        model: model from ``attach_lora``.
        starts: start of each module by its full name.

    Raises:
        ValueError: a factor has another shape than the adapter's.
    """
    layers = lora_layers(model)
    for name, start in starts.items():
        for factor, values in ((layers[name].lora_A, start.a), (layers[name].lora_B, start.b)):
            if values is not None:
                _fill(factor[ADAPTER].weight, values)


def _fill(weight: Tensor, values: Tensor) -> None:
    if weight.shape != values.shape:
        raise ValueError(f"the adapter's shape is {tuple(weight.shape)}, the start's {tuple(values.shape)}")
    with torch.no_grad():
        weight.copy_(values)


def _start_orthogonal(layer: Any) -> None:
    """Draws A and B from the odd and the even rows of one orthogonal matrix, so that B A is 0 and neither is.

    PEFT's own reads the type of the base's weight, which a quantised base does not have, and refuses odd ranks; an odd
    rank gives A the row more.
    """
    down, up = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
    rank, columns = down.shape
    rows = torch.linalg.qr(torch.randn(rank, rank)).Q
    odd, even = rows[0::2], rows[1::2]
    _fill(down, odd.T @ torch.randn(len(odd), columns) / ORTHOGONAL_SHRINK)
    _fill(up, torch.randn(up.shape[0], len(even)) @ even / ORTHOGONAL_SHRINK)
