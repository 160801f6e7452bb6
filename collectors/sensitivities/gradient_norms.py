"""How strongly the loss pulls at each unit: the norm of its gradient, from one backward pass."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from collectors.pruning.importances.gradients import only_these_trained
from collectors.pruning.prune import ModuleKey
from collectors.scoring.batch import Batch
from collectors.scoring.evaluate import answer_logits


def gradient_norms(
    model: nn.Module,
    linears: Mapping[ModuleKey, nn.Linear],
    units: Sequence[Sequence[ModuleKey]],
    batches: Sequence[Batch],
) -> NDArray[np.float64]:
    """Returns the norm of the gradient of the mean loss over scored tokens for each unit's weights, shape ``(U,)``.

    Gradients of all linear weights lie in memory together, and no other parameter has one.

    Args:
        model: float model; it is left as it is.
        linears: its linear modules.
        units: modules of each unit, U entries.
        batches: calibration examples.
    """
    weights = {key: linear.get_parameter("weight") for key, linear in linears.items()}
    tokens = sum(batch.answer_tokens for batch in batches)
    with only_these_trained(model, weights):
        for batch in batches:
            logits, targets = answer_logits(model, batch)
            (F.cross_entropy(logits, targets, reduction="sum") / tokens).backward()  # type: ignore[no-untyped-call]
        squares = {key: _squared_norm(weight.grad) for key, weight in weights.items()}
    return np.sqrt([sum(squares[key] for key in unit) for unit in units])


def _squared_norm(gradient: torch.Tensor | None) -> float:
    assert gradient is not None
    return float(torch.linalg.vector_norm(gradient, dtype=torch.float64)) ** 2
