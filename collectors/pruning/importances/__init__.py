"""How much a model needs each key/value group and each MLP channel.

contract               what every method offers: scores of weights
taylor                 |w g|
taylor_second          |w^2 h| / 2
taylor_mixed           |w g - w^2 h / 2|
gradients              gradients of the calibration loss, which all three need
magnitude              |w|
activation_magnitude   |w| times the norm of its input
random_draw            the control
table                  all of them by name
by_layer               scores of weights summed to those of groups and channels
cached                 the same, kept on disk

May import: ``collectors.pruning``, ``datasets_cache``, ``perfmodel``.
"""

from collectors.pruning.importances.by_layer import layer_importances
from collectors.pruning.importances.cached import importance_of
from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.table import IMPORTANCES
from collectors.pruning.scope import LayerImportance

__all__ = ["IMPORTANCES", "AbstractImportance", "LayerImportance", "importance_of", "layer_importances"]
