"""Random importance: the control that every other method must beat."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from collectors.pruning.importances.contract import AbstractImportance
from perfmodel.model.architecture import Architecture
from perfmodel.model.families import Block


@final
class RandomDraw(AbstractImportance):
    """One uniform draw for each key/value group and each channel, the same for all of its weights.

    A draw for each weight would average out within a group, and groups would never be among the first or the last
    parts to go.
    """

    seeded: ClassVar[bool] = True

    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields the draw that each weight of every module belongs to."""
        del model, token_ids
        generator = torch.Generator().manual_seed(seed)
        for layer in architecture.prunable:
            shape = architecture.layers[layer]
            groups = torch.rand(shape.kv_groups, generator=generator)
            draws: dict[Block, Tensor] = {
                "queries": groups.repeat_interleave(architecture.head_dim * architecture.queries_per_group),
                "keys": groups.repeat_interleave(architecture.head_dim),
                "channels": torch.rand(shape.channels, generator=generator),
            }
            shapes = architecture.module_shapes(layer)
            for module in architecture.modules:
                if module.columns == "hidden":
                    rows = torch.cat([draws[block] for block in module.rows])
                    yield layer, module.name, rows[:, None].expand(shapes[module.name])
                else:
                    yield layer, module.name, draws[module.columns].expand(shapes[module.name])
