"""LoRA through PEFT, with a rank of its own in every layer."""

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from collectors.prune import decoder_layers
from perfmodel.architecture import MODULES


def adapt(model: nn.Module, ranks: Sequence[int], alpha: Callable[[int], float], dropout: float) -> nn.Module:
    """Returns the model wrapped by PEFT, with adapters on all seven linear modules of every layer of rank above 0.

    Args:
        model: quantised model; its modules are wrapped in place.
        ranks: rank of each layer, 0 for none, length ``layers``; not all 0.
        alpha: gives LoRA's alpha for a rank.
        dropout: before LoRA's A, in [0, 1).
    """
    from peft import LoraConfig, get_peft_model

    names = {id(module): name for name, module in model.named_modules()}
    places = {
        f"{names[id(parent)]}.{module}": rank
        for layer, rank in zip(decoder_layers(model), ranks, strict=True)
        if rank
        for module in MODULES
        for parent in (layer.self_attn if module in MODULES[:4] else layer.mlp,)
    }
    # PEFT picks its bitsandbytes layers by these two flags; without them it wraps quantised modules as plain ones.
    model.is_loaded_in_4bit = model.is_loaded_in_8bit = True  # type: ignore[assignment]  # flags, not modules
    settings = LoraConfig(
        r=max(ranks),
        target_modules=list(places),
        rank_pattern={re.escape(name): rank for name, rank in places.items()},
        alpha_pattern={re.escape(name): alpha(rank) for name, rank in places.items()},
        lora_dropout=dropout,
        bias="none",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
        adapted: Any = get_peft_model(model, settings)
    return adapted  # type: ignore[no-any-return]  # PEFT's factory is untyped
