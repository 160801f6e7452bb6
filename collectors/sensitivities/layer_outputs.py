"""What each decoder layer gives, kept from one pass, so that a later pass need not run the layers that come before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from collectors.pruning.prune import decoder_layers


@contextmanager
def kept_outputs(model: nn.Module) -> Iterator[list[Any]]:
    """Gives a list that holds, after a pass in the block, what each decoder layer returned, in the order of layers."""
    kept: list[Any] = []
    handles = [layer.register_forward_hook(partial(_keep, kept)) for layer in decoder_layers(model)]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def resumed_at(model: nn.Module, first: int, outputs: Sequence[Any]) -> Iterator[None]:
    """Lets every layer before ``first`` give at once what layer ``first - 1`` returned for the same batch.

    Args:
        model: with the decoder layers that the outputs came from.
        first: index of the first layer that runs.
        outputs: of ``kept_outputs``.
    """
    skipped = [decoder_layers(model)[index] for index in range(first)]

    def give(*_: Any, **__: Any) -> Any:
        return outputs[first - 1]

    for layer in skipped:
        vars(layer)["forward"] = give  # of this one object: its class keeps its own
    try:
        yield
    finally:
        for layer in skipped:
            del vars(layer)["forward"]


def hidden_state(output: Any) -> Tensor:
    """Returns the hidden state among what a layer returned, shape ``(batch, length, hidden)``."""
    state: Tensor = output[0] if isinstance(output, tuple) else output
    return state


def _keep(kept: list[Any], layer: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
    del layer, arguments
    kept.append(output)
