"""Gradients of the calibration loss with respect to the linear weights of the prunable layers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from collectors.pruning.calibration_texts import calibration_batches, calibration_texts
from collectors.pruning.prune import ModuleKey, decoder_layers, linear_modules
from perfmodel.model.architecture import Architecture

Weights = Mapping[ModuleKey, nn.Parameter]
"""Linear weights of the prunable layers by layer and module name."""


def prunable_weights(model: nn.Module, architecture: Architecture) -> Weights:
    """Returns every linear weight of the prunable layers.

    Args:
        model: float model with the architecture's shapes.
        architecture: architecture of the model.
    """
    layers = decoder_layers(model)
    return {
        (index, name): getattr(*place).weight
        for index in architecture.prunable
        for name, place in linear_modules(layers[index], architecture).items()
    }


@contextmanager
def only_these_trained(model: nn.Module, weights: Weights) -> Iterator[None]:
    """Makes these weights, without gradients yet, the only trained ones of a model in eval mode, for the block.

    Args:
        model: any model; after the block it is as it was before.
        weights: parameters of the model that require gradients in the block.
    """
    parameters = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    model.requires_grad_(requires_grad=False)
    for weight in weights.values():
        weight.requires_grad = True
        weight.grad = None
    try:
        yield
    finally:
        for parameter, trained, gradient in parameters:
            parameter.requires_grad = trained
            parameter.grad = gradient
        for module, training in modes:
            module.training = training


def accumulate_gradients(model: nn.Module, token_ids: Sequence[Sequence[int]]) -> None:
    """Adds the gradient of the mean loss over the calibration texts to every trained parameter's ``grad``.

    Args:
        model: model inside ``only_these_trained``.
        token_ids: token ids of the calibration texts.
    """
    texts = len(calibration_texts(token_ids))
    for batch in calibration_batches(token_ids, next(model.parameters()).device):
        loss = model(input_ids=batch, labels=batch, use_cache=False).loss / texts
        loss.backward()


def accumulate_with_squares(
    model: nn.Module, weights: Weights, token_ids: Sequence[Sequence[int]]
) -> dict[ModuleKey, Tensor]:
    """Accumulates gradients, and returns each weight's mean over the texts of its squared gradient.

    That mean is the diagonal of the empirical Fisher information, which stands for the Hessian.

    Args:
        model: model inside ``only_these_trained``.
        weights: its trained parameters.
        token_ids: token ids of the calibration texts.
    """
    texts = len(calibration_texts(token_ids))
    squares = {key: torch.zeros_like(weight) for key, weight in weights.items()}

    def add(square: Tensor, gradient: Tensor) -> None:
        square.addcmul_(gradient, gradient, value=texts)  # of loss / texts: sum texts g'^2 = mean of g^2

    handles = [
        weight.register_hook(partial(add, squares[key]))  # type: ignore[no-untyped-call]  # torch's own signature
        for key, weight in weights.items()
    ]
    try:
        accumulate_gradients(model, token_ids)
    finally:
        for handle in handles:
            handle.remove()
    return squares
