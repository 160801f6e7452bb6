"""How much a model needs each key/value group and each MLP channel.

contract               what every method offers: scores of weights
taylor                 |w g|
taylor_second          |w^2 h| / 2
taylor_mixed           |w g - w^2 h / 2| (gradients: of the calibration loss, for all three)
magnitude              |w|
activation_magnitude   |w| times the norm of its input
random_draw            the control
table                  all of them by name
layers                 scores of weights summed to those of groups and channels
measured_once          the same, kept on disk
"""

from collectors.importances.contract import AbstractImportance
from collectors.importances.layers import layer_importances
from collectors.importances.measured_once import importance_of
from collectors.importances.table import IMPORTANCES
from collectors.pruning_scope import LayerImportance

__all__ = ["IMPORTANCES", "AbstractImportance", "LayerImportance", "importance_of", "layer_importances"]
