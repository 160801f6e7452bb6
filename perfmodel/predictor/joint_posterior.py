"""Predictions of all metrics at once for index vectors of one space: what metrics have in common is computed once.

The fast path of a predictor. Linear models and Gaussian processes are stacked into one, bags of trees into another,
the closed form of the peak is looked up; any other surrogate answers for itself. The answers are those of the
surrogates' own ``posterior`` to rounding.
"""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.table_columns import PLACES, SUM_COLUMNS, SpaceFeatures
from perfmodel.memory.peak_tables import PeakTables
from perfmodel.predictor.joint_ridge import JointRidge, RidgeModel
from perfmodel.predictor.joint_trees import JointTrees
from perfmodel.predictor.link_space import Links
from perfmodel.predictor.prediction import Prediction
from perfmodel.surrogates.boosted import BoostedSurrogate
from perfmodel.surrogates.closed_form import ClosedFormSurrogate
from perfmodel.surrogates.constant import ConstantSurrogate
from perfmodel.surrogates.contract import AbstractSurrogate

CHUNK = 512
"""Rows predicted at once: their arrays stay in the cache."""

_LARGEST_FREED = 1 << 23
"""Bytes, a few times those of a chunk's arrays."""


@final
class JointPosterior:
    """The surrogates of several metrics as one.

    Args:
        surrogates: fitted, of each metric.
        reaches: half width of each metric's interval in standard deviations.
        features: of the space.
        domain: lowest and highest value of columns of ``SUM_COLUMNS`` within which a configuration is like those
            trained on.
    """

    def __init__(
        self,
        surrogates: Mapping[str, AbstractSurrogate],
        reaches: Sequence[float],
        features: SpaceFeatures,
        domain: Mapping[str, tuple[float, float]],
    ) -> None:
        _keep_what_is_freed()
        self._features = features
        self._domain_places = np.array([PLACES[name] for name in domain], dtype=np.intp)
        self._low, self._high = (np.array([[ends[side] for ends in domain.values()]]) for side in (0, 1))
        self._any = np.ones(len(domain), dtype=bool)
        models = list(surrogates.values())
        self._ridge, ridges = _joint_ridge(models, features)
        self._trees, bags = _joint_trees(models)
        known = [index for index, each in enumerate(models) if isinstance(each, ClosedFormSurrogate)]
        self._known = np.array([each.moments for each in models if isinstance(each, ClosedFormSurrogate)])
        others = [index for index in range(len(models)) if index not in {*ridges, *bags, *known}]
        self._others = [models[index] for index in others]
        self._example = np.zeros((1, 1 + 2 * features.units), dtype=np.int64)
        posteriors = [each.posterior(features.matrix(self._example)) for each in models]
        # A constant's scale is one number, as noise is: its mean is lifted alike by either.
        noises = [
            float(posterior.scale[0]) if isinstance(each, ConstantSurrogate) else posterior.noise
            for each, posterior in zip(models, posteriors, strict=True)
        ]
        logs = [posterior.log for posterior in posteriors]
        rows = np.argsort([*ridges, *bags, *known, *others]).tolist()
        self._links = Links(tuple(surrogates), logs, noises, reaches, rows)

    def predict(self, vectors: NDArray[np.int64]) -> Prediction:
        """Returns the predictions.

        Args:
            vectors: index vectors that were checked, shape ``(n, 1 + 2 * units)``.
        """
        count = len(vectors)
        sums = self._sums(vectors)
        if count <= CHUNK:
            answers = self._links.answers(self._moments(sums, vectors))
        else:
            answers = np.empty((4, len(self._links.metrics), count))
            for start in range(0, count, CHUNK):
                part = slice(start, start + CHUNK)
                answers[:, :, part] = self._links.answers(self._moments(sums[part], vectors[part]))
        return Prediction.read(self._links.metrics, answers, self._outside(sums))

    def outside_domain(self, vectors: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Returns whether each configuration is unlike those trained on, shape ``(n,)``.

        Args:
            vectors: as for ``predict``.
        """
        return self._outside(self._sums(vectors))

    @property
    def _peaks(self) -> PeakTables:
        assert self._features.peaks is not None  # whoever has a model that reads it gives it
        return self._features.peaks

    def _sums(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        sums = np.empty((len(vectors), len(SUM_COLUMNS)))
        self._features.fill(sums, vectors)
        return sums

    def _outside(self, sums: NDArray[np.float64]) -> NDArray[np.bool_]:
        values = sums.take(self._domain_places, axis=1)
        beyond = (values < self._low) | (values > self._high)
        return np.asarray(beyond @ self._any)  # for one row a product of truths takes half the time of any()

    def _moments(self, sums: NDArray[np.float64], vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns locations and scales in link space, shape ``(2, m, n)``."""
        parts = []
        if self._ridge:
            parts.append(self._ridge.posterior(sums, vectors))
        parts += [trees.posterior(sums) for trees in self._trees]
        if len(self._known):
            parts.append(self._known.T[:, :, None] * self._peaks(vectors))
        if self._others:
            matrix = self._features.matrix(vectors)
            posteriors = [each.posterior(matrix) for each in self._others]
            parts.append(np.array([[each.location for each in posteriors], [each.scale for each in posteriors]]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _keep_what_is_freed() -> None:
    """Has the C library keep freed arrays for the next ones: pages fetched anew cost more than the arithmetic on them.

    glibc gives memory back to the system beyond a limit, which it raises to twice the largest block ever freed.
    """
    np.empty(_LARGEST_FREED, dtype=np.uint8)


def _joint_ridge(
    surrogates: Sequence[AbstractSurrogate], features: SpaceFeatures
) -> tuple[JointRidge | None, list[int]]:
    """Returns the linear models and Gaussian processes as one, and their places."""
    models = {index: RidgeModel.of(each, features.units) for index, each in enumerate(surrogates)}
    found = {index: model for index, model in models.items() if model is not None}
    return JointRidge(list(found.values()), features) if found else None, list(found)


def _joint_trees(surrogates: Sequence[AbstractSurrogate]) -> tuple[list[JointTrees], list[int]]:
    """Returns the bags of trees of each shape as one, and their places."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    bags = {index: each.bag for index, each in enumerate(surrogates) if isinstance(each, BoostedSurrogate)}
    for index, bag in bags.items():
        if set(bag.columns) <= set(PLACES):
            by_shape.setdefault(bag.trees.leaves.shape, []).append(index)
    joint = [JointTrees([bags[index] for index in places]) for places in by_shape.values()]
    return joint, [index for places in by_shape.values() for index in places]
