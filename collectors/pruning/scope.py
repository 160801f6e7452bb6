"""How many groups and channels pruning leaves in each layer: the rate of each layer, or one rate over all layers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from perfmodel.model.architecture import CHANNEL_MULTIPLE, Architecture, LayerShape


@dataclass(frozen=True)
class LayerImportance:
    """Scores of what one layer can lose.

    Args:
        groups: score of each key/value group with its query heads, shape ``(g,)``, 0 or more.
        channels: score of each MLP channel, shape ``(c,)``, 0 or more.
    """

    groups: Tensor
    channels: Tensor


def pruned_architecture(
    architecture: Architecture, rate: float, importance: Mapping[int, LayerImportance], scope: str
) -> Architecture:
    """Returns the architecture that pruning leaves.

    Args:
        architecture: architecture of the unpruned model.
        rate: share of the prunable layers' linear parameters to remove, in [0, 1).
        importance: scores of every prunable layer; read by the scope ``global`` only.
        scope: ``per_layer`` takes the rate from each prunable layer, ``global`` from all of them together.
    """
    return {"per_layer": _within_layers, "global": _over_layers}[scope](architecture, rate, importance)


def _within_layers(architecture: Architecture, rate: float, importance: Mapping[int, LayerImportance]) -> Architecture:
    del importance
    return architecture.pruned(rate)


def _over_layers(architecture: Architecture, rate: float, importance: Mapping[int, LayerImportance]) -> Architecture:
    """Removes the parts with the least importance per parameter, until the removed share is nearest to the rate.

    The parts of a layer are its key/value groups and blocks of ``CHANNEL_MULTIPLE`` channels, the least important
    channels of a layer making its first block. The best group and the best block of every layer are no candidates.
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"rate must lie in [0, 1), got {rate}")
    if not rate or not architecture.prunable:
        return architecture
    parts = _Parts.of(architecture, importance)
    order = torch.sort(parts.value, stable=True).indices
    removed = torch.cat((torch.zeros(1, dtype=torch.int64), parts.size[order].cumsum(0)))
    wanted = rate * sum(architecture.layer_parameters(index) for index in architecture.prunable)
    gone = order[: int((removed - wanted).abs().argmin())]
    layers = list(architecture.layers)
    for index in architecture.prunable:
        here = gone[parts.layer[gone] == index]
        groups, blocks = int((~parts.is_block[here]).sum()), int(parts.is_block[here].sum())
        shape = layers[index]
        layers[index] = LayerShape(shape.kv_groups - groups, shape.channels - blocks * CHANNEL_MULTIPLE)
    return replace(architecture, layers=tuple(layers))


@dataclass(frozen=True)
class _Parts:
    """All parts that may be removed; those of one layer and kind in rising order of importance.

    Args:
        value: importance per parameter, shape ``(n,)``.
        size: linear parameters, shape ``(n,)``.
        layer: index of the part's layer, shape ``(n,)``.
        is_block: whether it is a block of channels rather than a group, shape ``(n,)``.
    """

    value: Tensor
    size: Tensor
    layer: Tensor
    is_block: Tensor

    @classmethod
    def of(cls, architecture: Architecture, importance: Mapping[int, LayerImportance]) -> "_Parts":
        per_block = CHANNEL_MULTIPLE * architecture.channel_parameters
        values, sizes, layers, blocks = [], [], [], []
        for index in architecture.prunable:
            channels = importance[index].channels.double().cpu().sort().values
            removable = max(0, len(channels) // CHANNEL_MULTIPLE - 1)
            by_block = channels[: removable * CHANNEL_MULTIPLE].view(-1, CHANNEL_MULTIPLE).sum(1) / per_block
            by_group = importance[index].groups.double().cpu().sort().values[:-1] / architecture.group_parameters
            for value, size, is_block in (
                (by_group, architecture.group_parameters, False),
                (by_block, per_block, True),
            ):
                values.append(value)
                sizes.append(torch.full((len(value),), size))
                layers.append(torch.full((len(value),), index))
                blocks.append(torch.full((len(value),), is_block))
        return cls(torch.cat(values), torch.cat(sizes), torch.cat(layers), torch.cat(blocks))
