"""All importance methods by name."""

from collectors.pruning.importances.activation_magnitude import ActivationMagnitude
from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.magnitude import Magnitude
from collectors.pruning.importances.random_draw import RandomDraw
from collectors.pruning.importances.taylor import Taylor
from collectors.pruning.importances.taylor_mixed import TaylorMixed
from collectors.pruning.importances.taylor_second import TaylorSecond

IMPORTANCES: dict[str, AbstractImportance] = {
    "taylor": Taylor(),
    "taylor_second": TaylorSecond(),
    "taylor_mixed": TaylorMixed(),
    "magnitude": Magnitude(),
    "activation_magnitude": ActivationMagnitude(),
    "random": RandomDraw(),
}
"""By the names of ``perfmodel.space.methods.PRUNING_METHODS``."""
