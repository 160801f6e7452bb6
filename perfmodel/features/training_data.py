"""Traces as the arrays that a surrogate is fitted to: of one setting, or of several beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.metrics import Metric
from perfmodel.space.metrics import metric as metric_named
from perfmodel.traces.trace import Setting, Trace

if TYPE_CHECKING:
    from perfmodel.features.featurizer import Featurizer
    from perfmodel.features.sensitivity_columns import SensitivityFeaturizer


@dataclass(frozen=True)
class TrainingData:
    """One metric of usable traces.

    Args:
        metric: name of the metric that is learnt, or a metric that the caller declares.
        features: of each trace's configuration, n rows.
        target: measured values in the metric's unit, shape ``(n,)``.
        groups: identifier of each row's configuration, shape ``(n,)``.
        labels: what is known of each row beside its configuration, by column, each of shape ``(n,)``; of traces
            ``searcher`` (who proposed it), ``task``, ``model``, and ``setting`` (its identifier).
    """

    metric: str | Metric
    features: FeatureMatrix
    target: NDArray[np.float64]
    groups: NDArray[Any]
    labels: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def blocks(self) -> NDArray[Any]:
        """Which rows can be compared: those of one setting, shape ``(n,)``; all where settings are not known."""
        return self.labels.get("setting", np.zeros(len(self.target), dtype=np.int64))


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


def training_data(
    traces: Sequence[Trace], metric: str, featurizer: "Featurizer", knowledge: "SensitivityFeaturizer | None" = None
) -> TrainingData:
    """Returns a metric's rows: the traces with status ``ok`` in which it was measured.

    Args:
        traces: of one setting, any status.
        metric: name of the column.
        featurizer: of the setting's model.
        knowledge: whose columns are put beside those of the featurizer.

    Raises:
        UnknownNameError: when the metric does not exist.
        InvalidConfigurationError: when the sensitivities were not measured for a configuration.
    """
    usable, target = measured(traces, metric)
    arrays = ConfigurationArrays.from_configurations([trace.asked.configuration for trace in usable])
    asked = [trace.asked for trace in usable]
    features = featurizer.matrix(arrays)
    return TrainingData(
        metric,
        features if knowledge is None else features.beside(knowledge.matrix(arrays)),
        target,
        groups=np.array([each.configuration.identifier for each in asked], dtype=object),
        labels={
            "searcher": np.array([each.source for each in asked], dtype=object),
            "task": np.array([each.setting.task for each in asked], dtype=object),
            "model": np.array([each.setting.model for each in asked], dtype=object),
            "setting": np.array([each.setting.identifier for each in asked], dtype=object),
        },
    )


def pooled_data(traces: Sequence[Trace], metric: str, featurizers: Mapping[str, "Featurizer"]) -> TrainingData:
    """Returns a metric's rows over several settings, with the columns that all of them have.

    Args:
        traces: of any settings whose models are known.
        metric: name of the column.
        featurizers: of the settings, by their identifier.

    Raises:
        NotEnoughTracesError: when no setting has a usable trace.
        UnknownNameError: when the metric does not exist.
    """
    by_setting: dict[str, list[Trace]] = {}
    for trace in measured(traces, metric)[0]:
        by_setting.setdefault(trace.asked.setting.identifier, []).append(trace)
    if not by_setting:
        raise NotEnoughTracesError(
            f"no usable trace has {metric}", "one or more settings with traces are needed", "collect traces first"
        )
    parts = [training_data(own, metric, featurizers[setting]) for setting, own in by_setting.items()]

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    known = [set(part.features.columns) for part in parts]
    columns = tuple(name for name in parts[0].features.columns if all(name in each for each in known))
    features = FeatureMatrix(columns, np.vstack([part.features.select(columns).values for part in parts]))
    labels = {name: np.concatenate([part.labels[name] for part in parts]) for name in parts[0].labels}
    return TrainingData(metric, features, joined("target"), joined("groups"), labels)


def rows_of(data: TrainingData, rows: NDArray[np.int64]) -> TrainingData:
    """Returns some of the rows, with their labels where these are known.

    Args:
        data: of which some rows are wanted, n rows.
        rows: indices of the rows wanted, from 0 to n - 1, shape ``(m,)``.
    """
    labels = {name: values[rows] for name, values in data.labels.items()}
    return replace(
        data, features=data.features.rows(rows), target=data.target[rows], groups=data.groups[rows], labels=labels
    )


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
