"""How much a model needs each key/value group and each MLP channel.

contract               what every method offers: a score for each weight
taylor                 change of the loss when a weight goes, to first order, second order, or both
gradients              the gradients that Taylor importance needs
magnitude              |w|
activation_magnitude   |w| times the norm of its input
random_draw            random scores: the control that every other method must beat
by_layer               scores of weights summed to those of groups and channels
cached                 the same, kept on disk

May import: ``collectors.pruning``, ``datasets_cache``, ``perfmodel``.
"""

from collectors.pruning.importances.activation_magnitude import ActivationMagnitude
from collectors.pruning.importances.by_layer import layer_importances
from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.magnitude import Magnitude
from collectors.pruning.importances.random_draw import RandomDraw
from collectors.pruning.importances.taylor import Taylor
from collectors.pruning.scope import LayerImportance

IMPORTANCES: dict[str, AbstractImportance] = {
    "taylor": Taylor("first"),
    "taylor_second": Taylor("second"),
    "taylor_mixed": Taylor("mixed"),
    "magnitude": Magnitude(),
    "activation_magnitude": ActivationMagnitude(),
    "random": RandomDraw(),
}
"""Every importance method by the name that ``perfmodel.space.methods.PRUNING_METHODS`` gives it."""

__all__ = ["IMPORTANCES", "AbstractImportance", "LayerImportance", "layer_importances"]
