"""Structured pruning: removes whole key/value groups with their query heads, and MLP channels, from the weights."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from collectors.pruning.scope import LayerImportance, pruned_architecture
from perfmodel.model.architecture import Architecture, LayerShape
from perfmodel.model.families import Block

__all__ = [
    "Cut",
    "LayerImportance",
    "ModuleKey",
    "PrunedLinear",
    "decoder_layers",
    "linear_modules",
    "prune",
    "set_head_counts",
]

ModuleKey = tuple[int, str]
"""Index of a decoder layer, from 0, and name of a linear module in it, such as ``q_proj``."""


@dataclass(frozen=True)
class Cut:
    """What pruning took from a linear module.

    Args:
        whole: linear module before pruning.
        rows: indices of the rows that stay, shape ``(rows,)``, None for all.
        columns: indices of the columns that stay, shape ``(columns,)``, None for all.
    """

    whole: nn.Linear
    rows: Tensor | None
    columns: Tensor | None


@final
class PrunedLinear(nn.Linear):
    """A linear module after pruning; ``cut`` says what was taken from which module."""

    cut: Cut


def decoder_layers(model: nn.Module) -> nn.ModuleList:
    """Returns the decoder layers of a causal language model.

    Args:
        model: model of transformers, without PEFT's wrapper.
    """
    layers = model.get_decoder().layers  # type: ignore[operator]  # transformers' accessor is untyped
    assert isinstance(layers, nn.ModuleList)
    return layers


def linear_modules(layer: nn.Module, architecture: Architecture) -> dict[str, tuple[nn.Module, str]]:
    """Returns the parent module and the attribute name of each linear module of a layer, by the module's name.

    Args:
        layer: decoder layer.
        architecture: architecture of the model.
    """
    return {module.name: (getattr(layer, module.parent), module.name) for module in architecture.modules}


def prune(
    model: nn.Module,
    architecture: Architecture,
    rate: float,
    importance: Mapping[int, LayerImportance],
    scope: str = "per_layer",
) -> Architecture:
    """Removes the least important groups and channels of the prunable layers, in place.

    Args:
        model: float model with the architecture's shapes.
        architecture: architecture of the unpruned model.
        rate: share of the prunable layers' linear parameters to remove, in [0, 1).
        importance: scores of every prunable layer, from ``collectors.pruning.importances``; not read at a rate of 0.
        scope: ``per_layer`` or ``global``, of ``perfmodel.space.methods.PRUNING_SCOPES``.

    Returns:
        The architecture of the pruned model.
    """
    target = pruned_architecture(architecture, rate, importance, scope)
    layers = decoder_layers(model)
    for index in architecture.prunable:
        if target.layers[index] != architecture.layers[index]:
            keep = _kept(importance[index], target.layers[index])
            _slice_layer(layers[index], architecture, index, keep)
            set_head_counts(layers[index], target, index)
    return target


def set_head_counts(layer: nn.Module, architecture: Architecture, index: int) -> None:
    """Tells an attention module with a fused matrix where to cut it; does nothing where no matrix is fused.

    Phi-3's reads one count from the config, which all layers share: this layer gets a copy of its own.

    Args:
        layer: decoder layer whose matrices have the architecture's shapes.
        architecture: architecture of the pruned model.
        index: index of the layer, from 0.
    """
    for module in architecture.modules:
        if "queries" in module.rows and len(module.rows) > 1:
            attention: Any = getattr(layer, module.parent)
            groups = architecture.layers[index].kv_groups
            attention.config = copy.copy(attention.config)
            attention.config.num_attention_heads = groups * architecture.queries_per_group
            attention.num_key_value_heads = groups


def _kept(importance: LayerImportance, shape: LayerShape) -> LayerImportance:
    """Returns the indices that stay, in rising order, in the fields of the scores they were chosen by."""
    return LayerImportance(
        importance.groups.topk(shape.kv_groups).indices.sort().values,
        importance.channels.topk(shape.channels).indices.sort().values,
    )


def _slice_layer(layer: nn.Module, architecture: Architecture, index: int, keep: LayerImportance) -> None:
    def of_groups(width: int) -> Tensor:
        return (keep.groups[:, None] * width + torch.arange(width, device=keep.groups.device)).flatten()

    kept: dict[Block, Tensor] = {
        "queries": of_groups(architecture.head_dim * architecture.queries_per_group),
        "keys": of_groups(architecture.head_dim),
        "channels": keep.channels,
    }
    widths = architecture.block_widths(index)
    for module in architecture.modules:
        parent = getattr(layer, module.parent)
        rows = _indices(module.rows, kept, widths)
        columns = _indices((module.columns,), kept, widths)
        setattr(parent, module.name, _sliced(getattr(parent, module.name), rows, columns))


def _indices(side: tuple[Block, ...], kept: Mapping[Block, Tensor], widths: Mapping[Block, int]) -> Tensor | None:
    """Returns what stays of a matrix's side, made of blocks in this order; ``None`` for the side that stays whole."""
    if side == ("hidden",):
        return None
    starts = [sum(widths[block] for block in side[:position]) for position in range(len(side))]
    return torch.cat([start + kept[block] for start, block in zip(starts, side, strict=True)])


def _sliced(old: nn.Linear, rows: Tensor | None, columns: Tensor | None) -> PrunedLinear:
    weight = old.weight.detach()
    bias = None if old.bias is None else old.bias.detach()
    if rows is not None:
        weight = weight[rows]
        bias = None if bias is None else bias[rows]
    if columns is not None:
        weight = weight[:, columns]
    new = PrunedLinear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    new.cut = Cut(old, rows, columns)
    new.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    if bias is not None:
        new.bias = nn.Parameter(bias, requires_grad=False)
    return new
