"""All importance methods by name."""

from collectors.importances.activation_magnitude import ActivationMagnitude
from collectors.importances.contract import AbstractImportance
from collectors.importances.magnitude import Magnitude
from collectors.importances.random_draw import RandomDraw
from collectors.importances.taylor import Taylor
from collectors.importances.taylor_mixed import TaylorMixed
from collectors.importances.taylor_second import TaylorSecond

IMPORTANCES: dict[str, AbstractImportance] = {
    "taylor": Taylor(),
    "taylor_second": TaylorSecond(),
    "taylor_mixed": TaylorMixed(),
    "magnitude": Magnitude(),
    "activation_magnitude": ActivationMagnitude(),
    "random": RandomDraw(),
}
"""By the names of ``perfmodel.methods.PRUNING_METHODS``."""
