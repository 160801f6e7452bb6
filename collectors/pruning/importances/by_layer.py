"""Scores of weights summed to scores of what pruning removes: key/value groups and MLP channels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.scope import LayerImportance
from perfmodel.model.architecture import Architecture
from perfmodel.model.families import Block


def layer_importances(
    method: AbstractImportance,
    model: nn.Module,
    architecture: Architecture,
    token_ids: Sequence[Sequence[int]],
    seed: int,
) -> dict[int, LayerImportance]:
    """Returns the importance of every group and channel by prunable layer; empty for a model without such layers.

    A group's (channel's) score is the sum over all weights that leave with it.

    Args:
        method: importance method that scores the weights.
        model: float model with the architecture's shapes.
        architecture: architecture of the unpruned model.
        token_ids: token ids of the calibration texts.
        seed: seed of the trial, 0 or more; read by seeded methods only.
    """
    if not architecture.prunable:
        return {}
    modules = {module.name: module for module in architecture.modules}
    found = {
        index: LayerImportance(
            torch.zeros(architecture.layers[index].kv_groups), torch.zeros(architecture.layers[index].channels)
        )
        for index in architecture.prunable
    }
    for index, name, scores in method.scores(model, architecture, token_ids, seed):
        module, widths = modules[name], architecture.block_widths(index)
        by_row = scores.float().sum(1).cpu()
        for block, part in zip(module.rows, torch.split(by_row, [widths[block] for block in module.rows]), strict=True):
            _add(found[index], block, part)
        _add(found[index], module.columns, scores.float().sum(0).cpu())
    return found


def _add(importance: LayerImportance, block: Block, sums: Tensor) -> None:
    """Adds the scores of a block's rows or columns to what they leave with; the residual width leaves with nothing."""
    if block == "channels":
        importance.channels.add_(sums)
    elif block != "hidden":
        importance.groups.add_(sums.view(len(importance.groups), -1).sum(1))
