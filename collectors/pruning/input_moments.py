"""Second moments of what every linear module is given, over the calibration tokens, in one pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from collectors.pruning.prune import decoder_layers, linear_modules
from perfmodel.model.architecture import Architecture

Place = tuple[int, str]
"""Index of a layer and name of a module."""


@torch.no_grad()
def input_moments(
    model: nn.Module,
    architecture: Architecture,
    token_ids: Sequence[Sequence[int]],
    kind: Literal["diagonal", "full"],
) -> dict[tuple[int, str], Tensor]:
    """Returns the second moments of each module's inputs, by layer and module name, in float32 on the model's device.

    Sums are kept in float32 and grow by one text at a time; over 128 texts they differ from sums in float64 by less
    than 1e-6. Modules that are given the same tensor share one result; no activation is kept.

    Args:
        model: float model with the architecture's shapes.
        architecture: of this model.
        token_ids: calibration texts, each at least one token; every token counts alike.
        kind: "diagonal" for ``E[x_i^2]``, shape ``(columns,)``; "full" for ``E[x x^T]``, shape ``(columns, columns)``.
    """
    device = next(model.parameters()).device
    tally = _Tally(kind)
    handles = [
        getattr(parent, attribute).register_forward_pre_hook(tally.watcher((index, name)))
        for index, layer in enumerate(decoder_layers(model))
        for name, (parent, attribute) in linear_modules(layer, architecture).items()
    ]
    try:
        for ids in token_ids:
            batch = torch.tensor([list(ids)], device=device)
            model.get_decoder()(input_ids=batch, use_cache=False)  # type: ignore[operator]  # transformers' accessor
    finally:
        for handle in handles:
            handle.remove()
    tokens = sum(len(ids) for ids in token_ids)
    for total in tally.totals.values():
        total.div_(tokens)
    return {place: tally.totals[first] for place, first in tally.shares_with.items()}


@dataclass
class _Tally:
    """Running sums.

    Args:
        kind: of moments.
        totals: by the place of the module that was the first to be given an input.
        shares_with: that place, by the place of every module.
        last: the newest input, and the place that was given it first.
    """

    kind: str
    totals: dict[Place, Tensor] = field(default_factory=dict)
    shares_with: dict[Place, Place] = field(default_factory=dict)
    last: tuple[Tensor, Place] | None = None

    def watcher(self, place: Place) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        """Returns the hook of the module at a place."""

        def watch(_: nn.Module, args: tuple[Tensor, ...]) -> None:
            if self.last is None or self.last[0] is not args[0]:
                self.last = (args[0], place)
                self._add(place, args[0].flatten(0, -2).float())
            self.shares_with[place] = self.last[1]

        return watch

    def _add(self, place: Place, x: Tensor) -> None:
        columns = x.shape[-1]
        if place not in self.totals:
            self.totals[place] = x.new_zeros((columns,) if self.kind == "diagonal" else (columns, columns))
        if self.kind == "diagonal":
            self.totals[place] += x.square().sum(0)
        else:
            self.totals[place].addmm_(x.T, x)
