"""The linear modules of a model that is being built: what each becomes, and what lies outside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from collectors.pruning.prune import ModuleKey, decoder_layers, linear_modules
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Configuration, by_module


@dataclass(frozen=True)
class LinearSlot:
    """One linear module and what it becomes.

    Args:
        name: its full name in the base model.
        key: layer and name of the linear module.
        parent: module that holds it.
        attribute: its name there.
        format: that stores its weight.
        rank: of its adapter, 0 for none.
        alpha: of its adapter.
    """

    name: str
    key: ModuleKey
    parent: nn.Module
    attribute: str
    format: str
    rank: int
    alpha: float


def linear_slots(
    model: nn.Module, shapes: Architecture, configuration: Configuration, alpha: Callable[[int], float]
) -> list[LinearSlot]:
    """Returns the slots of a model, layer by layer.

    Args:
        model: float model with these shapes.
        shapes: after pruning.
        configuration: bits and ranks by layer or by module.
        alpha: gives LoRA's alpha for a rank.
    """
    layers, modules = decoder_layers(model), len(shapes.modules)
    bits = by_module(configuration.bits, len(layers), modules)
    ranks = by_module(configuration.ranks, len(layers), modules)
    names = {id(module): name for name, module in model.named_modules()}
    slots = []
    for index, layer in enumerate(layers):
        found = linear_modules(layer, shapes).items()
        for (module, (parent, attribute)), width, rank in zip(found, bits[index], ranks[index], strict=True):
            name = f"{names[id(parent)]}.{attribute}"
            form = configuration.methods.format_of(width)
            slots.append(LinearSlot(name, (index, module), parent, attribute, form, rank, alpha(rank)))
    return slots


def move_rest_to_device(
    model: nn.Module, slots: Sequence[LinearSlot], device: torch.device, dtype: torch.dtype
) -> None:
    """Moves to the device, and into the compute type, what no quantiser has taken: embeddings, head and norms."""
    stored = {id(parameter) for slot in slots for parameter in getattr(slot.parent, slot.attribute).parameters()}
    for parameter in model.parameters():
        if id(parameter) not in stored:
            parameter.data = parameter.data.to(device, dtype)
            parameter.requires_grad = False
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer.to(device))
