"""The linear modules of a model that is being built, and what each will become."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from collectors.pruning.prune import ModuleKey, decoder_layers, linear_modules
from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import by_module
from perfmodel.space.space import Configuration


@dataclass(frozen=True)
class LinearSlot:
    """One linear module and what it will become.

    Args:
        name: full name of the module in the base model, such as ``model.layers.3.mlp.up_proj``.
        key: index of its layer and its name within the layer.
        parent: module that holds it as an attribute.
        attribute: name of that attribute.
        format: name of the format that will store its weight, of ``perfmodel.model.formats.FORMATS``.
        rank: rank of its adapter; 0 for no adapter.
        alpha: alpha of its adapter, above 0; not read at rank 0.
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
    """Returns the slot of every linear module, layer by layer.

    Args:
        model: float model with these shapes.
        shapes: architecture of the model, after pruning.
        configuration: bits and ranks, one for each layer or one for each linear module.
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
    """Moves all parameters outside the slots (embeddings, head, norms) to the device and the compute type, frozen.

    Args:
        model: model whose slots already hold quantised modules; changed in place.
        slots: every slot of the model.
        device: target device; buffers are moved there too.
        dtype: target type of the parameters.
    """
    stored = {id(parameter) for slot in slots for parameter in getattr(slot.parent, slot.attribute).parameters()}
    for parameter in model.parameters():
        if id(parameter) not in stored:
            parameter.data = parameter.data.to(device, dtype)
            parameter.requires_grad = False
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer.to(device))
