"""What PEFT, TRL and transformers change of a model and of its operations, on tensors that have no values."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from perfmodel.memory.library_settings import LibrarySettings

HALF = torch.bfloat16


def prepare(model: Any, libraries: LibrarySettings) -> None:
    """Gives norms, embeddings and head the types that k-bit preparation leaves them in.

    Args:
        model: of transformers, its quantised modules in place.
        libraries: their ``kbit`` is read.
    """
    for name, module in model.named_modules():
        if libraries.kbit != "none" and name.lower().endswith("norm"):
            module.to(torch.float32)
        if libraries.kbit == "peft" and (isinstance(module, nn.Embedding) or name.endswith("lm_head")):
            module.to(torch.float32)


@contextmanager
def as_libraries(libraries: LibrarySettings) -> Iterator[None]:
    """Lets products cast what they read, as autocast does: torch has none for tensors without values."""
    if not libraries.autocast:
        yield
        return
    with ExitStack() as stack:
        stack.enter_context(patch("torch.nn.functional.linear", _cast(torch.nn.functional.linear)))
        attention = torch.nn.functional.scaled_dot_product_attention
        stack.enter_context(patch("torch.nn.functional.scaled_dot_product_attention", _cast(attention)))
        norm = _cast(torch.nn.functional.layer_norm, torch.float32)
        stack.enter_context(patch("torch.nn.functional.layer_norm", norm))
        stack.enter_context(patch("peft.tuners.lora.bnb.torch", _UnderAutocast()))
        yield


class _UnderAutocast:
    """Stands for the module ``torch`` as PEFT's quantised layers see it under autocast."""

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: True) if name == "is_autocast_enabled" else getattr(torch, name)


def _cast(function: Callable[..., Tensor], dtype: torch.dtype = HALF) -> Callable[..., Tensor]:
    def product(*tensors: Any, **settings: Any) -> Tensor:
        return function(*(each.to(dtype) if isinstance(each, Tensor) else each for each in tensors), **settings)

    return product
