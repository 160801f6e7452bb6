"""Second moments of the inputs of every linear module over the calibration tokens, in one pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from collectors.pruning.prune import ModuleKey, decoder_layers, linear_modules
from perfmodel.model.architecture import Architecture


@torch.no_grad()
def input_moments(
    model: nn.Module,
    architecture: Architecture,
    token_ids: Sequence[Sequence[int]],
    kind: Literal["diagonal", "full"],
) -> dict[ModuleKey, Tensor]:
    """Returns the second moments of each module's inputs, by layer and module name, in float32 on the model's device.

    Sums are kept in float32 and grow by one text at a time; over 128 texts they differ from sums in float64 by less
    than 1e-6. Modules that are given the same tensor share one result; no activation is kept.

    Args:
        model: float model with the architecture's shapes.
        architecture: architecture of this model.
        token_ids: token ids of the calibration texts, each at least one token; every token counts alike.
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
    return {key: tally.totals[first] for key, first in tally.shares_with.items()}


@dataclass
class _Tally:
    """Running sums.

    Args:
        kind: ``diagonal`` or ``full``.
        totals: sums by the key of the first module that was given an input.
        shares_with: that key, by the key of every module.
        last: newest input, and the key of the module that was given it first.
    """

    kind: str
    totals: dict[ModuleKey, Tensor] = field(default_factory=dict)
    shares_with: dict[ModuleKey, ModuleKey] = field(default_factory=dict)
    last: tuple[Tensor, ModuleKey] | None = None

    def watcher(self, key: ModuleKey) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        """Returns the forward hook of a module.

        Args:
            key: key of the module.
        """

        def watch(_: nn.Module, args: tuple[Tensor, ...]) -> None:
            if self.last is None or self.last[0] is not args[0]:
                self.last = (args[0], key)
                self._add(key, args[0].flatten(0, -2).float())
            self.shares_with[key] = self.last[1]

        return watch

    def _add(self, key: ModuleKey, x: Tensor) -> None:
        columns = x.shape[-1]
        if key not in self.totals:
            self.totals[key] = x.new_zeros((columns,) if self.kind == "diagonal" else (columns, columns))
        if self.kind == "diagonal":
            self.totals[key] += x.square().sum(0)
        else:
            self.totals[key].addmm_(x.T, x)
