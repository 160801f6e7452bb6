"""Columns from sensitivities: what the chosen widths, ranks and rate cost by measurements made without fine-tuning.

    n   configurations
    U   units of the record
    c   what a unit's chosen width costs: its KL divergence, change of the loss, or relative error
    p   share of the linear parameters left by pruning that lie in a unit
    g   norm of the loss's gradient with respect to a unit's weights
    s   log2(1 + rank)

Costs are taken as if they added up over units, and as if pruning did not change them; a learned model corrects that.
A width costs at least what every wider one does, and none less than nothing: where the record says otherwise it is the
luck of its few calibration examples. So every column of costs rises as bits fall, and a loss may be held to it.

Predictors are fitted without these columns: ``perfmodel.evaluation.ablation`` measures what they are worth, and
``docs/results`` holds what it found.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import ConfigurationArrays

COSTS = ("kl", "loss_change", "weight_error", "output_error")

_SUMMED = ("kl", "loss_change")

SENSITIVITY_COLUMNS: tuple[str, ...] = (
    *(f"sense_{name}_sum" for name in _SUMMED),
    *(f"sense_{name}_log" for name in _SUMMED),
    *(f"sense_{name}_mean" for name in COSTS),
    "sense_gradient_rank",
    "sense_kl_rank",
    "sense_taylor_mass",
)
"""Sum of c; log(1 + it), since harm saturates where much is harmed; mean of c weighted by p; mean of s weighted by g,
and by the KL at the narrowest width; mass removed."""

SENSITIVITY_GROUPS: dict[str, tuple[str, ...]] = {
    "KL divergence": ("sense_kl_sum", "sense_kl_log", "sense_kl_mean", "sense_kl_rank"),
    "loss change": ("sense_loss_change_sum", "sense_loss_change_log", "sense_loss_change_mean"),
    "weight error": ("sense_weight_error_mean",),
    "output error": ("sense_output_error_mean",),
    "Taylor mass": ("sense_taylor_mass",),
    "gradient norms": ("sense_gradient_rank",),
}
"""The columns that each kind of measurement gives."""

COST_COLUMNS = tuple(name for name in SENSITIVITY_COLUMNS if name.endswith(("_sum", "_log", "_mean")))
"""Those that rise as bits fall."""

_WHOLE = 16
"""Bits of the reference, which cost nothing."""


@final
class SensitivityFeaturizer:
    """Columns of many configurations of the record's model, task and methods.

    Args:
        sensitivities: what each unit of the model costs when it is touched alone.
        architecture: of the unpruned model.

    Raises:
        InvalidConfigurationError: when the record has not as many units as the architecture.
    """

    def __init__(self, sensitivities: Sensitivities, architecture: Architecture) -> None:
        layers = len(architecture.layers)
        modules = layers * (len(architecture.modules) if sensitivities.unit == "module" else 1)
        units = len(sensitivities.gradient_norm)
        if units != modules:
            raise InvalidConfigurationError(
                f"the sensitivities are of {units} units",
                f"the model has {modules} of the kind {sensitivities.unit!r}",
                "measure them on this model",
            )
        self._record = sensitivities
        self._shares = np.array([_shares(architecture.pruned(float(rate)), units) for rate in sensitivities.rates])
        self._pull = sensitivities.gradient_norm / max(sensitivities.gradient_norm.sum(), np.finfo(np.float64).tiny)
        self._costs = {name: _by_bits(sensitivities.widths, getattr(sensitivities, name)) for name in COSTS}
        self._harm = self._costs["kl"][:, min(sensitivities.widths)]

    def matrix(self, arrays: ConfigurationArrays) -> FeatureMatrix:
        """Returns ``SENSITIVITY_COLUMNS`` of each configuration, n rows.

        Args:
            arrays: n configurations of the record's units and methods.

        Raises:
            InvalidConfigurationError: when units or methods are not the record's, or a width or rate was not tried.
        """
        self._check(arrays)
        places = self._places(arrays.rates)
        units = np.arange(self._shares.shape[1])
        costs = {name: table[units, arrays.bits] for name, table in self._costs.items()}
        sums = {name: costs[name].sum(axis=1) for name in _SUMMED}
        shares, size = self._shares[places], np.log2(1.0 + arrays.ranks)
        values = np.column_stack(
            (
                *sums.values(),
                *(np.log1p(total) for total in sums.values()),
                *((costs[name] * shares).sum(axis=1) for name in COSTS),
                size @ self._pull,
                size @ (self._harm / max(self._harm.sum(), np.finfo(np.float64).tiny)),
                self._record.taylor_mass[places],
            )
        )
        return FeatureMatrix(SENSITIVITY_COLUMNS, values)

    def _check(self, arrays: ConfigurationArrays) -> None:
        if arrays.bits.shape[1] != self._shares.shape[1]:
            raise _refused(f"configurations of {arrays.bits.shape[1]} units", f"{self._shares.shape[1]} units")
        known = (*self._record.widths, _WHOLE)
        strange = ~np.isin(arrays.bits, known)
        if np.any(strange):
            raise _refused(f"{int(arrays.bits[strange][0])} bits", f"{', '.join(map(str, known))} bits")
        ours, theirs = self._record.methods, arrays.methods
        for name in ("quantizers", "pruning_method", "pruning_scope"):
            if getattr(ours, name) != getattr(theirs, name):
                raise _refused(f"the {name} {getattr(theirs, name)!r}", repr(getattr(ours, name)))

    def _places(self, rates: NDArray[np.float64]) -> NDArray[np.int64]:
        known = self._record.rates
        places = np.abs(np.subtract.outer(rates, known)).argmin(axis=1)
        strange = ~np.isclose(known[places], rates, rtol=0.0, atol=1e-9)
        if np.any(strange):
            raise _refused(f"the pruning rate {rates[strange][0]}", f"the rates {', '.join(map(str, known))}")
        return np.asarray(places)


def _shares(architecture: Architecture, units: int) -> NDArray[np.float64]:
    shapes = [
        module for layer in range(len(architecture.layers)) for module in architecture.module_shapes(layer).values()
    ]
    parameters = np.array([rows * columns for rows, columns in shapes], dtype=np.float64)
    return np.asarray(parameters.reshape(units, -1).sum(axis=1) / parameters.sum())


def _by_bits(widths: Sequence[int], costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns costs that never fall with fewer bits, one column a number of bits up to the reference's, ``(U, 17)``."""
    order = np.argsort(widths)[::-1]
    table = np.full((len(costs), _WHOLE + 1), np.nan)
    table[:, np.asarray(widths)[order]] = np.maximum.accumulate(np.maximum(costs[:, order], 0.0), axis=1)
    table[:, _WHOLE] = 0.0
    return table


def _refused(given: str, tried: str) -> InvalidConfigurationError:
    return InvalidConfigurationError(given, f"the sensitivities were measured for {tried}", "measure these too")
