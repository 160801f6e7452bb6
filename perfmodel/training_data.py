"""Traces of one setting as the arrays that a surrogate is fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.configuration_arrays import ConfigurationArrays
from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.metrics import metric as metric_named
from perfmodel.trace import Setting, Trace

if TYPE_CHECKING:
    import pandas as pd

    from perfmodel.features import Featurizer


@dataclass(frozen=True)
class TrainingData:
    """One metric of usable traces.

    Args:
        metric: its name.
        features: n rows.
        target: measured values in the metric's unit, shape ``(n,)``.
        groups: identifier of each row's configuration, shape ``(n,)``.
    """

    metric: str
    features: "pd.DataFrame"
    target: NDArray[np.float64]
    groups: NDArray[Any]


def common_setting(traces: Sequence[Trace]) -> Setting:
    """Returns the setting that all traces share.

    Raises:
        NotEnoughTracesError: when there are none.
        UserError: naming two settings, or two choices of a method, when the traces mix them.
    """
    if not traces:
        raise NotEnoughTracesError("there are no traces", "traces of one setting are needed", "collect traces first")
    first = traces[0].asked
    for trace in traces:
        other = trace.asked
        if other.setting.identifier != first.setting.identifier:
            raise UserError(
                f"the traces mix {_setting_text(first.setting)} and {_setting_text(other.setting)}",
                "all traces must be of one setting",
                "select the traces of one of them",
            )
        ours, theirs = first.configuration, other.configuration
        for name, value in ours.methods.to_dict().items():
            if (found := getattr(theirs.methods, name)) != value:
                raise UserError(
                    f"the traces mix the {name} {value!r} and {found!r}",
                    "no feature tells them apart, so they must be the same",
                    f"select the traces of one {name}",
                )
        if len(theirs.bits) != len(ours.bits):
            raise UserError(
                f"the traces mix configurations of {len(ours.bits)} and {len(theirs.bits)} units",
                "bits and ranks by layer and by module have different features",
                "select the traces of one kind",
            )
    return first.setting


def training_data(traces: Sequence[Trace], metric: str, featurizer: "Featurizer") -> TrainingData:
    """Returns a metric's rows: the traces with status ``ok`` in which it was measured.

    Args:
        traces: of one setting.
        metric: name of the column.
        featurizer: of the setting's model.

    Raises:
        UnknownNameError: when the metric does not exist.
    """
    usable, target = measured(traces, metric)
    arrays = ConfigurationArrays.from_configurations([trace.asked.configuration for trace in usable])
    groups = np.array([trace.asked.configuration.identifier for trace in usable], dtype=object)
    return TrainingData(metric, featurizer.table(arrays), target, groups)


def measured(traces: Sequence[Trace], metric: str) -> tuple[list[Trace], NDArray[np.float64]]:
    """Returns the traces with status ``ok`` in which a metric was measured, and its values, shape ``(n,)``.

    Raises:
        UnknownNameError: when the metric does not exist.
    """
    metric_named(metric)
    usable = [trace for trace in traces if trace.ok and getattr(trace.measured, metric) is not None]
    return usable, np.array([getattr(trace.measured, metric) for trace in usable], dtype=np.float64)


def _setting_text(setting: Setting) -> str:
    return f"{setting.identifier} ({setting.model}, {setting.task}, {setting.device_class})"
