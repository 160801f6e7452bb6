"""Costs of index vectors that closed forms know: what a search is limited by without any model.

Notation:
    n: configurations.
    d: dimensions of the space.
"""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.featurizer import SpaceFeatures
from perfmodel.memory.peak import Load
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.fitting import setting_featurizer
from perfmodel.space.metrics import ADAPTERS, PEAK, WEIGHTS
from perfmodel.space.space import Space
from perfmodel.traces.trace import Setting
from search.comparison.tasks import known_peak

COSTS: Final = (PEAK, WEIGHTS, ADAPTERS)
_STORED: Final = ("state_weight_bytes", "state_adapter_bytes")


@final
class KnownCosts:
    """Peak of training, resident weights and adapters of configurations, without a fine-tune.

    Args:
        architecture: of the unpruned base model.
        space: of the vectors.
        setting: recipe and device.
        load: the batch that peaks.
    """

    def __init__(self, architecture: Architecture, space: Space, setting: Setting, load: Load) -> None:
        self._features = SpaceFeatures(space, setting_featurizer(architecture, setting))
        self._peak = known_peak(architecture, space, setting, load)

    def __call__(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns bytes, shape ``(n, 3)``, columns as in ``COSTS``."""
        stored = self._features.matrix(vectors).take(_STORED)
        return np.column_stack([self._peak(vectors), stored])
