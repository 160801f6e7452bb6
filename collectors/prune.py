"""Structured pruning: whole key/value groups with their query heads, and MLP channels, physically removed.

Importance is LLM-Pruner's first-order Taylor score (arXiv 2305.11627, eq. 3, element-wise): the sum of
``|weight * gradient|`` over everything that leaves with a group or a channel, the gradient being that of the
language-modelling loss on calibration text.

Notation: ``g`` key/value groups, ``c`` MLP channels, ``hidden`` the residual width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from perfmodel.architecture import MODULES, Architecture, LayerShape

CALIBRATION_SAMPLES, CALIBRATION_TOKENS = 10, 64
"""Source: LLM-Pruner's settings, which AutoMixQ and QPruner keep."""


@dataclass(frozen=True)
class LayerImportance:
    """Scores of what one layer can lose.

    Args:
        groups: of each key/value group, shape ``(g,)``.
        channels: of each MLP channel, shape ``(c,)``.
    """

    groups: Tensor
    channels: Tensor


def decoder_layers(model: nn.Module) -> nn.ModuleList:
    """Returns the decoder layers of a causal language model."""
    layers = model.get_decoder().layers  # type: ignore[operator]  # transformers' accessor is untyped
    assert isinstance(layers, nn.ModuleList)
    return layers


def linear_modules(layer: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """Returns, for each of the seven linear modules, its parent and attribute name."""
    attention, mlp = layer.self_attn, layer.mlp
    return {name: (attention if name in MODULES[:4] else mlp, name) for name in MODULES}  # type: ignore[misc]  # attributes of nn.Module are Tensor | Module


def taylor_importance(
    model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]]
) -> dict[int, LayerImportance]:
    """Returns the importance of every group and channel of the prunable layers, of which a shallow model has none.

    Args:
        model: float model with the architecture's shapes; its gradients are cleared.
        architecture: of the unpruned model.
        token_ids: calibration texts; the first ``CALIBRATION_SAMPLES``, cut to ``CALIBRATION_TOKENS``, are used.
    """
    if not architecture.prunable:
        return {}
    device = next(model.parameters()).device
    layers = decoder_layers(model)
    trained = [
        getattr(*place).weight for index in architecture.prunable for place in linear_modules(layers[index]).values()
    ]
    model.requires_grad_(requires_grad=False)
    for weight in trained:
        weight.requires_grad_(requires_grad=True)
    for ids in token_ids[:CALIBRATION_SAMPLES]:
        batch = torch.tensor([list(ids[:CALIBRATION_TOKENS])], device=device)
        loss = model(input_ids=batch, labels=batch, use_cache=False).loss / min(len(token_ids), CALIBRATION_SAMPLES)
        loss.backward()
    importance = {index: _layer_importance(layers[index], architecture, index) for index in architecture.prunable}
    for weight in trained:
        weight.grad = None
        weight.requires_grad_(requires_grad=False)
    return importance


def prune(
    model: nn.Module, architecture: Architecture, rate: float, importance: Mapping[int, LayerImportance]
) -> Architecture:
    """Removes the least important groups and channels of every prunable layer, in place.

    Args:
        model: float model with the architecture's shapes.
        architecture: of the unpruned model.
        rate: share of each prunable layer's linear parameters to remove.
        importance: from ``taylor_importance``.

    Returns:
        The architecture of the pruned model.
    """
    target = architecture.pruned(rate)
    layers = decoder_layers(model)
    for index in architecture.prunable:
        if target.layers[index] != architecture.layers[index]:
            keep = _kept(importance[index], target.layers[index])
            _slice_layer(layers[index], architecture, keep)
    return target


def _layer_importance(layer: nn.Module, architecture: Architecture, index: int) -> LayerImportance:
    shape = architecture.layers[index]
    scores = {
        name: (getattr(*place).weight * getattr(*place).weight.grad).abs().detach()
        for name, place in linear_modules(layer).items()
    }
    by_group = (
        scores["q_proj"].sum(1).view(shape.kv_groups, -1).sum(1)
        + scores["k_proj"].sum(1).view(shape.kv_groups, -1).sum(1)
        + scores["v_proj"].sum(1).view(shape.kv_groups, -1).sum(1)
        + scores["o_proj"].sum(0).view(shape.kv_groups, -1).sum(1)
    )
    by_channel = scores["gate_proj"].sum(1) + scores["up_proj"].sum(1) + scores["down_proj"].sum(0)
    return LayerImportance(by_group, by_channel)


def _kept(importance: LayerImportance, shape: LayerShape) -> LayerImportance:
    """Returns the indices that stay, in rising order, in the fields of the scores they were chosen by."""
    return LayerImportance(
        importance.groups.topk(shape.kv_groups).indices.sort().values,
        importance.channels.topk(shape.channels).indices.sort().values,
    )


def _slice_layer(layer: nn.Module, architecture: Architecture, keep: LayerImportance) -> None:
    def rows_of(width: int) -> Tensor:
        return (keep.groups[:, None] * width + torch.arange(width, device=keep.groups.device)).flatten()

    keys = rows_of(architecture.head_dim)
    queries = rows_of(architecture.head_dim * architecture.queries_per_group)
    rows = {"q_proj": queries, "k_proj": keys, "v_proj": keys, "gate_proj": keep.channels, "up_proj": keep.channels}
    columns = {"o_proj": queries, "down_proj": keep.channels}
    for name, (parent, attribute) in linear_modules(layer).items():
        old = getattr(parent, attribute)
        setattr(parent, attribute, _sliced(old, rows.get(name), columns.get(name)))


def _sliced(old: nn.Linear, rows: Tensor | None, columns: Tensor | None) -> nn.Linear:
    weight = old.weight.detach()
    bias = None if old.bias is None else old.bias.detach()
    if rows is not None:
        weight = weight[rows]
        bias = None if bias is None else bias[rows]
    if columns is not None:
        weight = weight[:, columns]
    new = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    new.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    if bias is not None:
        new.bias = nn.Parameter(bias, requires_grad=False)
    return new
