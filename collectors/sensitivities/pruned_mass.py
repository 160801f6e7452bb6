"""How much of the model's Taylor importance each pruning rate removes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from collectors.pruning.scope import LayerImportance, pruned_architecture
from perfmodel.model.architecture import Architecture


def pruned_mass(
    architecture: Architecture,
    order: Mapping[int, LayerImportance],
    taylor: Mapping[int, LayerImportance],
    rates: Sequence[float],
    scope: str,
) -> NDArray[np.float64]:
    """Returns the share of the prunable layers' Taylor importance that each rate removes, shape ``(R,)``.

    Args:
        architecture: of the unpruned model.
        order: importance by which parts are removed, of every prunable layer.
        taylor: importance of which the share is taken, likewise; the same where pruning goes by it.
        rates: R shares of linear parameters to remove, each in [0, 1).
        scope: of ``perfmodel.space.methods.PRUNING_SCOPES``.
    """
    whole = sum(float(scores.groups.double().sum() + scores.channels.double().sum()) for scores in taylor.values())
    shares = []
    for rate in rates:
        left = pruned_architecture(architecture, rate, order, scope)
        gone = sum(
            _lost(order[index].groups, taylor[index].groups, left.layers[index].kv_groups)
            + _lost(order[index].channels, taylor[index].channels, left.layers[index].channels)
            for index in architecture.prunable
        )
        shares.append(gone / whole if whole else 0.0)
    return np.array(shares)


def _lost(order: Tensor, scores: Tensor, kept: int) -> float:
    """Returns the sum of the scores of all but the ``kept`` first in order."""
    staying = order.topk(kept).indices.to(scores.device)
    return float(scores.double().sum() - scores[staying].double().sum())
