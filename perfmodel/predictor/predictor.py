"""The public object: what a configuration will cost and what it will be worth, with honest intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.effects.resolved import unresolved_text
from perfmodel.errors import CorruptFileError, InvalidConfigurationError, named_by_index
from perfmodel.evaluation.score_lines import Line
from perfmodel.features.featurizer import CHUNK, SpaceFeatures
from perfmodel.files.json_file import refusing_damage
from perfmodel.memory.peak_tables import PeakTables
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.fitting import fit_surrogates, setting_featurizer
from perfmodel.predictor.prediction import Prediction
from perfmodel.predictor.record import PredictorRecord, curve_folder
from perfmodel.predictor.shipped import predictor_folder
from perfmodel.space.arrays import space_vectors
from perfmodel.space.metrics import ACCURACY, LOSS, PEAK, STEP_TIME
from perfmodel.space.space import Configuration, Space
from perfmodel.surrogates.contract import AbstractSurrogate
from perfmodel.surrogates.learning_curve import LearningCurve
from perfmodel.surrogates.registry import surrogate_class
from perfmodel.traces.trace import Setting, Trace

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_METRICS = (LOSS, ACCURACY, PEAK, STEP_TIME)

ONLY_AT_THE_END = (ACCURACY,)
"""Metrics that training changes and that traces know after the last step only."""

GOLDEN = 5
"""Predictions stored with the model and made again on load: they show that another machine computes the same."""

GOLDEN_TOLERANCE = 1e-5
"""Relative. Trees sum in float32, in an order that may differ between builds."""


_LARGEST_FREED = 1 << 23
"""Bytes, a few times those of the arrays of ``CHUNK`` rows."""


@final
class Predictor:
    """Surrogates of several metrics of one setting, chosen by their out-of-fold error.

    Make one with ``fit`` or ``load``.

    Args:
        record: what is known about them.
        surrogates: the fitted surrogate of each metric.
        curve: that of the loss at each of the record's ``curve_steps``.
    """

    def __init__(
        self,
        record: PredictorRecord,
        surrogates: Mapping[str, AbstractSurrogate],
        curve: Mapping[int, AbstractSurrogate] | None = None,
    ) -> None:
        self._record = record
        self._surrogates = dict(surrogates)
        self._curve = LearningCurve(curve or {}, record.setting.recipe.steps)
        featurizer = setting_featurizer(record.architecture, record.setting)
        self._features = SpaceFeatures(record.space, featurizer, _peaks(record))
        _keep_what_is_freed()
        ends = np.array(list(record.domain.values())).reshape(-1, 2).T
        slack = 1e-9 * np.abs(ends).max(axis=0)  # means of equal values differ in the last digit
        self._low, self._high = ends[0] - slack, ends[1] + slack

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
            traces: of one setting, any status; those that ended well are learnt from.
            space: of the configurations that will be asked about.
            architecture: of the unpruned base model.
            metrics: columns to predict; one that has the same value in all traces is left out.
            surrogates: names of the candidates for every metric; by default those that
                ``perfmodel.surrogates.registry.candidates`` gives. A single one is used whatever its score; of
                several none may beat the constant, which is then used.
            seed: of splits and surrogates.

        Raises:
            NotEnoughTracesError: when a metric was measured on too few configurations, or no metric varies.
            InvalidConfigurationError: when traces, space and architecture differ in units or methods.
            UserError: when the traces mix settings or methods, or no metric is asked for.
            UnknownNameError: when a metric or surrogate does not exist.
        """
        return cls(*fit_surrogates(traces, space, architecture, metrics=metrics, surrogates=surrogates, seed=seed))

    @property
    def record(self) -> PredictorRecord:
        """What it was fitted to and what was chosen."""
        return self._record

    @property
    def setting(self) -> Setting:
        """The setting that all its traces were of."""
        return self._record.setting

    @property
    def scores(self) -> tuple[Line, ...]:
        """Out-of-fold scores of every candidate on every metric."""
        return self._record.scores

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it predicts, in the order of the columns."""
        return tuple(self._surrogates)

    def predict(
        self, configurations: Sequence[Configuration | Mapping[str, Any]], *, at: int | None = None
    ) -> "pd.DataFrame":
        """Returns one row for each configuration.

        Columns are, for each metric, ``<metric>``, ``<metric>_std``, and ``<metric>_low`` and ``<metric>_high``, the
        ends of the 90 % interval of one new run, calibrated on configurations that were left out of the fit; all in the
        metric's unit and held to its physical range; then
        ``outside_domain``: whether one of ``DOMAIN_COLUMNS`` lies outside its range over the training traces;
        ``not_resolved``: for each metric whose runs differ by seed, the axes that the traces do not show to move it by
        more than a change of seed does. Two predictions that differ along such an axis alone are not told apart.

        Args:
            configurations: configurations, or mappings with their keys, shape ``(n,)``.
            at: optimiser steps after which the loss is wanted, None for the last. Metrics that training changes and
                whose curves are not learned (accuracy) are then left out.

        Raises:
            InvalidConfigurationError: when one lies outside the space, naming its index.
            UserError: when the step lies outside the traces' learning curves.
        """
        space = self._record.space
        found = self.predict_arrays(space_vectors(space, _read(configurations)), at=at)
        return found.table().assign(not_resolved=unresolved_text(self._record.unresolved, found.metrics))

    def predict_arrays(self, vectors: NDArray[np.int64], *, at: int | None = None) -> Prediction:
        """Returns the same as arrays, for index vectors.

        Args:
            vectors: index vectors of the space, shape ``(n, 1 + 2 * units)``.
            at: as for ``predict``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
            UserError: when the step lies outside the traces' learning curves.
        """
        starts = range(0, max(1, len(vectors)), CHUNK)
        return Prediction.joined([self._predict(vectors[start : start + CHUNK], at) for start in starts])

    def _predict(self, vectors: NDArray[np.int64], at: int | None) -> Prediction:
        features = self._features.matrix(vectors)
        metrics = tuple(metric for metric in self._surrogates if at is None or metric not in ONLY_AT_THE_END)
        posteriors = [self._surrogates[metric].posterior(features) for metric in metrics]
        if at is not None and LOSS in metrics:
            place = metrics.index(LOSS)
            posteriors[place] = self._curve.posterior(at, features, posteriors[place])
        half_widths = [self._record.half_widths[metric] for metric in metrics]
        like = features.take(tuple(self._record.domain))
        outside = ((like < self._low) | (like > self._high)).any(axis=1)
        return Prediction.of(metrics, posteriors, outside, half_widths)

    def probability_ok(self, configurations: Sequence[Configuration | Mapping[str, Any]]) -> "pd.DataFrame":
        """Returns the probability that a trial ends well: columns ``ok``, and ``ok_low`` and ``ok_high`` (90 %).

        Args:
            configurations: as for ``predict``.

        Raises:
            InvalidConfigurationError: when one lies outside the space.
        """
        import pandas as pd

        vectors = space_vectors(self._record.space, _read(configurations))
        found = self._record.feasibility.probability(self._features.matrix(vectors))
        return pd.DataFrame(dict(zip(("ok", "ok_low", "ok_high"), found, strict=True)))

    def predict_mean(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns predicted means for a searcher, shape ``(n, m)``, columns in the order of ``metrics``.

        Args:
            vectors: index vectors of the space, shape ``(n, 1 + 2 * units)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        return self.predict_arrays(vectors).mean

    def save(self, folder: Path) -> None:
        """Writes the predictor: ``predictor.json`` and one folder a metric, without pickles.

        Raises:
            OutputFolderError: when the folder cannot be written.
        """
        folder = Path(folder)
        for metric, surrogate in self._surrogates.items():
            surrogate.save(folder / metric)
        for step, surrogate in self._curve.steps.items():
            surrogate.save(curve_folder(folder, step))
        vectors = _golden_vectors(self._record.space)
        self._record.write(folder, {"vectors": vectors.tolist(), "means": self.predict_mean(vectors).tolist()})

    @classmethod
    def load(cls, source: str | Path) -> "Predictor":
        """Returns the predictor that ``save`` wrote, or one that comes with the package.

        Args:
            source: a folder; or ``<release>/<task>``, or ``<release>`` where that has a single task.

        Raises:
            UserError: when the folder holds no predictor.
            UnknownNameError: when there is neither a folder nor one predictor of that name, or one of its surrogates
                was removed from this package.
            CorruptFileError: when a file is missing or damaged, or a stored prediction does not come out again.
            SchemaVersionError: when a newer version wrote it, or an older one whose surrogates cannot be read any more.
        """
        folder = predictor_folder(source)
        with refusing_damage(f"the predictor in {folder}", "copy it again, or fit it again"):
            return cls._loaded(folder)

    @classmethod
    def _loaded(cls, folder: Path) -> "Predictor":
        record, golden = PredictorRecord.read(folder)
        surrogates = {metric: surrogate_class(name).load(folder / metric) for metric, name in record.chosen.items()}
        curve = {
            step: surrogate_class(record.chosen[LOSS]).load(curve_folder(folder, step)) for step in record.curve_steps
        }
        predictor = cls(record, surrogates, curve)
        means = predictor.predict_mean(np.asarray(golden["vectors"], dtype=np.int64))
        if not np.allclose(means, golden["means"], rtol=GOLDEN_TOLERANCE, atol=0):
            raise CorruptFileError(
                f"the predictor in {folder} does not give its stored predictions again",
                f"they must agree within {GOLDEN_TOLERANCE:g}",
                "fit it again with the installed versions",
            )
        return predictor


def _read(given: Sequence[Configuration | Mapping[str, Any]]) -> list[Configuration]:
    found = []
    for index, each in enumerate(given):
        with named_by_index(index):
            found.append(_configuration(each))
    return found


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


def _peaks(record: PredictorRecord) -> PeakTables | None:
    if record.load is None:
        return None
    setting = record.setting
    return PeakTables(record.space, record.architecture, setting.recipe, setting.device_class, record.load)


def _golden_vectors(space: Space) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(space.cardinalities, size=(GOLDEN, len(space.cardinalities)))


def _keep_what_is_freed() -> None:
    """Has the C library keep freed arrays for the next ones: pages fetched anew cost more than the arithmetic on them.

    glibc gives memory back to the system beyond a limit, which it raises to twice the largest block ever freed.
    """
    np.empty(_LARGEST_FREED, dtype=np.uint8)
