"""The public object: what a configuration will cost and what it will be worth, with honest intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.architecture import Architecture
from perfmodel.configuration_arrays import ConfigurationArrays
from perfmodel.errors import CorruptFileError, InvalidConfigurationError, UserError
from perfmodel.features import Featurizer
from perfmodel.metrics import METRICS
from perfmodel.predictor_record import PredictorRecord
from perfmodel.space import Configuration, Space
from perfmodel.surrogate import AbstractSurrogate
from perfmodel.surrogates import SURROGATES, make_surrogate, surrogate_class
from perfmodel.trace import Setting, Trace
from perfmodel.training_data import common_setting, training_data
from perfmodel.validation import INTERVAL_LEVEL, Score, choose, score_surrogates

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_METRICS = ("held_out_loss", "accuracy", "peak_memory_bytes", "step_time_s")

DOMAIN_COLUMNS = ("pruning_rate", "mean_bits", "mean_log2_error", "mean_log2_rank", "state_total_bytes")
"""Summary features that say where a configuration lies; outside the training range of any, it is extrapolation."""

GOLDEN = 5
"""Predictions stored with the model and made again on load: they show that another machine computes the same."""

GOLDEN_TOLERANCE = 1e-5
"""Relative. Trees sum in float32, in an order that may differ between builds."""


@final
class Predictor:
    """Surrogates of several metrics of one setting, chosen by their out-of-fold error.

    Make one with ``fit`` or ``load``.

    Args:
        record: what is known about them.
        surrogates: the fitted surrogate of each metric.
    """

    def __init__(self, record: PredictorRecord, surrogates: Mapping[str, AbstractSurrogate]) -> None:
        self._record = record
        self._surrogates = dict(surrogates)
        self._featurizer = _featurizer(record.architecture, record.setting)

    @classmethod
    def fit(
        cls,
        traces: Sequence[Trace],
        space: Space,
        architecture: Architecture,
        *,
        metrics: Sequence[str] = DEFAULT_METRICS,
        surrogates: Sequence[str] | None = None,
        seed: int = 0,
    ) -> "Predictor":
        """Returns a predictor fitted to the traces that ended well.

        Args:
            traces: of one setting.
            space: of the configurations that will be asked about.
            architecture: of the unpruned base model.
            metrics: columns to predict.
            surrogates: candidates; all by default. A single one is used whatever its score.
            seed: of splits and surrogates.

        Raises:
            NotEnoughTracesError: when a metric was measured on too few configurations.
            InvalidConfigurationError: when traces, space and architecture differ in units or methods.
            UserError: when the traces mix settings or methods, or no metric is asked for.
            UnknownNameError: when a metric or surrogate does not exist.
        """
        setting = common_setting(traces)
        _check_request(space, architecture, traces[0].asked.configuration, metrics)
        names = tuple(surrogates) if surrogates else tuple(SURROGATES)
        featurizer = _featurizer(architecture, setting)
        scores: list[Score] = []
        fitted: dict[str, AbstractSurrogate] = {}
        chosen, n_traces, domain = {}, {}, np.empty((0, len(DOMAIN_COLUMNS)))
        for metric in metrics:
            data = training_data(traces, metric, featurizer)
            scores += score_surrogates(data, names, seed=seed)
            chosen[metric] = names[0] if len(names) == 1 else choose(scores)[metric]
            fitted[metric] = make_surrogate(chosen[metric], metric, seed=seed).fit(
                data.features, data.target, data.groups
            )
            n_traces[metric] = len(data.target)
            domain = np.vstack((domain, data.features[list(DOMAIN_COLUMNS)]))
        ends = zip(domain.min(axis=0).tolist(), domain.max(axis=0).tolist(), strict=True)
        record = PredictorRecord(
            setting=setting,
            architecture=architecture,
            space=space,
            chosen=chosen,
            scores=tuple(scores),
            domain=dict(zip(DOMAIN_COLUMNS, ends, strict=True)),
            n_traces=n_traces,
        )
        return cls(record, fitted)

    @property
    def record(self) -> PredictorRecord:
        """What it was fitted to and what was chosen."""
        return self._record

    @property
    def setting(self) -> Setting:
        """The setting that all its traces were of."""
        return self._record.setting

    @property
    def scores(self) -> tuple[Score, ...]:
        """Out-of-fold scores of every candidate on every metric."""
        return self._record.scores

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it predicts, in the order of the columns."""
        return tuple(self._surrogates)

    def predict(self, configurations: Sequence[Configuration | Mapping[str, Any]]) -> "pd.DataFrame":
        """Returns one row for each configuration.

        Columns are, for each metric, ``<metric>``, ``<metric>_std``, and ``<metric>_low`` and ``<metric>_high``, the
        ends of the 90 % interval of one new run, all in the metric's unit and held to its physical range; then
        ``outside_domain``: whether one of ``DOMAIN_COLUMNS`` lies outside its range over the training traces.

        Args:
            configurations: configurations, or mappings with their keys, shape ``(n,)``.

        Raises:
            InvalidConfigurationError: when one lies outside the space.
        """
        import pandas as pd

        space = self._record.space
        vectors = space.encode(_configuration(given) for given in configurations)
        features = self._featurizer.table(ConfigurationArrays.from_vectors(space, vectors))
        columns: dict[str, NDArray[Any]] = {}
        for metric, surrogate in self._surrogates.items():
            posterior = surrogate.posterior(features)
            low, high = posterior.interval(INTERVAL_LEVEL)
            columns[metric] = _physical(metric, posterior.mean)
            columns[f"{metric}_std"] = posterior.std
            columns[f"{metric}_low"] = _physical(metric, low)
            columns[f"{metric}_high"] = _physical(metric, high)
        return pd.DataFrame({**columns, "outside_domain": self._outside_domain(features)})

    def predict_mean(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns predicted means for a searcher, shape ``(n, m)``, columns in the order of ``metrics``.

        Args:
            vectors: index vectors of the space, shape ``(n, 1 + 2 * units)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        features = self._featurizer.table(ConfigurationArrays.from_vectors(self._record.space, vectors))
        return np.column_stack(
            [_physical(metric, model.posterior(features).mean) for metric, model in self._surrogates.items()]
        )

    def save(self, folder: Path) -> None:
        """Writes the predictor: ``predictor.json`` and one folder a metric, without pickles.

        Raises:
            OutputFolderError: when the folder cannot be written.
        """
        folder = Path(folder)
        for metric, surrogate in self._surrogates.items():
            surrogate.save(folder / metric)
        vectors = _golden_vectors(self._record.space)
        self._record.write(folder, {"vectors": vectors.tolist(), "means": self.predict_mean(vectors).tolist()})

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Returns the predictor that ``save`` wrote.

        Raises:
            UserError: when the folder holds no predictor.
            CorruptFileError: when a file is missing or damaged, or a stored prediction does not come out again.
            SchemaVersionError: when a newer version wrote it.
        """
        folder = Path(folder)
        record, golden = PredictorRecord.read(folder)
        surrogates = {metric: surrogate_class(name).load(folder / metric) for metric, name in record.chosen.items()}
        predictor = cls(record, surrogates)
        means = predictor.predict_mean(np.asarray(golden["vectors"], dtype=np.int64))
        if not np.allclose(means, golden["means"], rtol=GOLDEN_TOLERANCE, atol=0):
            raise CorruptFileError(
                f"the predictor in {folder} does not give its stored predictions again",
                f"they must agree within {GOLDEN_TOLERANCE:g}",
                "fit it again with the installed versions",
            )
        return predictor

    def _outside_domain(self, features: "pd.DataFrame") -> NDArray[np.bool_]:
        values = features[list(self._record.domain)].to_numpy()
        low, high = np.array(list(self._record.domain.values())).T
        slack = 1e-9 * np.maximum(np.abs(low), np.abs(high))  # means of equal values differ in the last digit
        return np.asarray(np.any((values < low - slack) | (values > high + slack), axis=1))


def _check_request(space: Space, architecture: Architecture, example: Configuration, metrics: Sequence[str]) -> None:
    layers, modules = len(architecture.layers), len(architecture.modules)
    if space.units not in (layers, layers * modules) or len(example.bits) != space.units:
        raise InvalidConfigurationError(
            f"the space has {space.units} units and the traces {len(example.bits)}",
            f"the architecture has {layers} layers of {modules} linear modules",
            "make the space with Space.for_architecture",
        )
    if example.methods != space.methods:
        raise InvalidConfigurationError(
            f"the traces were made with {example.methods}", f"the space asks for {space.methods}", "use the same"
        )
    if not metrics:
        raise UserError("no metric is asked for", f"metrics are {', '.join(METRICS)}", "name one or more")


def _featurizer(architecture: Architecture, setting: Setting) -> Featurizer:
    return Featurizer(architecture, device_class=setting.device_class, optimizer=setting.recipe.optimizer)


def _configuration(given: Configuration | Mapping[str, Any]) -> Configuration:
    if isinstance(given, Configuration):
        return given
    if isinstance(given, Mapping):
        return Configuration.from_dict(given)
    raise InvalidConfigurationError(
        f"a configuration is a {type(given).__name__}",
        "a Configuration, or a mapping with pruning_rate, bits and ranks",
        "pass a list of these",
    )


def _golden_vectors(space: Space) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(space.cardinalities, size=(GOLDEN, len(space.cardinalities)))


def _physical(metric: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(values, METRICS[metric].lower, METRICS[metric].upper)
