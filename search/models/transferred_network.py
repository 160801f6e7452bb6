"""A small network trained on cheap pairs and adapted to few dear ones, by scikit-learn.

Notation:
    n: pairs.
    q: columns of the inputs.
"""

import copy
import warnings
from collections.abc import Callable
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HIDDEN: Final = (64, 64)
_CHEAP_EPOCHS: Final = 60
_STEPS: Final = 60
# Few pairs and a network that already knows the shape: small steps, so that it does not forget.
_RATE: Final = 1e-3


@final
class TransferredNetwork:
    """A multilayer perceptron with the cheap pairs in its weights.

    Args:
        inputs: of the cheap pairs, shape ``(n, q)`` in [0, 1].
        values: their cheap losses, shape ``(n,)``.
        seed: of the first weights and of the order of the pairs, 0 or more.
    """

    def __init__(self, inputs: Floats, values: Floats, seed: int) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        self._network = MLPRegressor(
            hidden_layer_sizes=_HIDDEN,
            learning_rate_init=_RATE,
            max_iter=_CHEAP_EPOCHS,
            batch_size=min(64, len(values)),
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is meant
            self._network.fit(inputs, _standardised(values))

    def adapted(self, inputs: Floats, values: Floats) -> Callable[[Floats], Floats]:
        """Returns a predictor after some epochs on the dear pairs; the network itself stays as it was.

        The cheap scale and the dear one are joined by a line first, so the network keeps the shape it knows.

        Args:
            inputs: of the dear pairs, shape ``(n, q)``.
            values: their losses, shape ``(n,)``.
        """
        slope, level = _line(self._network.predict(inputs), values)
        network = copy.deepcopy(self._network)
        network.batch_size = min(64, len(values))
        for _ in range(_STEPS):
            network.partial_fit(inputs, (values - level) / slope)
        return lambda rows: np.asarray(level + slope * network.predict(rows))


def _line(cheap: Floats, dear: Floats) -> tuple[float, float]:
    """Returns slope and level from cheap to dear values, by moments; the slope is above 0, as both are losses."""
    deviations = float(cheap.std()), float(dear.std())
    slope = deviations[1] / deviations[0] if min(deviations) > 0 else 1.0
    return slope, float(dear.mean() - slope * cheap.mean())


def _standardised(values: Floats) -> Floats:
    deviation = float(values.std())
    return np.asarray((values - values.mean()) / (deviation if deviation > 0 else 1.0))
