"""Which traces train and which are predicted: easy splits and hard ones, as scikit-learn splitters.

    n   traces

Every splitter has ``split(X, y, groups)`` and ``get_n_splits(X, y, groups)``, so that scikit-learn's own functions
take it as ``cv``. ``groups`` are the traces' configurations; but for ``RandomFolds``, which shows what such a split
hides, no configuration ever lies on both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perfmodel.errors import UserError

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows that train and rows that are predicted."""

FOLDS = 5
TOP_SHARE = 0.1


class Splitter(Protocol):
    """What scikit-learn asks of a splitter."""

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: N803
        """Returns the folds, one after another."""

    def get_n_splits(
        self,
        X: Any = None,  # noqa: N803
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Returns the number of folds."""


@dataclass(frozen=True)
class _Drawn:
    """A number of folds, drawn."""

    folds: int = FOLDS
    seed: int = 0

    def get_n_splits(
        self,
        X: Any = None,  # noqa: N803
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Returns the number of folds."""
        del X, y, groups
        return self.folds


@final
@dataclass(frozen=True)
class RandomFolds(_Drawn):
    """Folds of traces, whatever their configuration: other seeds of a predicted configuration may train.

    Args:
        folds: number of parts, 2 or more.
        seed: of the draw, 0 or more.
    """

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: N803
        """Returns the folds; ``groups`` are not looked at."""
        from sklearn.model_selection import KFold

        del y, groups
        yield from KFold(self.folds, shuffle=True, random_state=self.seed).split(np.zeros(_rows(X)))


@final
@dataclass(frozen=True)
class ConfigurationFolds(_Drawn):
    """Folds of whole configurations.

    Args:
        folds: number of parts, 2 or more.
        seed: of the draw, 0 or more.
    """

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: N803
        """Returns the folds.

        Raises:
            UserError: without ``groups``.
        """
        from sklearn.model_selection import GroupKFold

        del y
        names = _needed(groups, "groups", _rows(X))
        splitter = GroupKFold(self.folds, shuffle=True, random_state=self.seed)
        yield from splitter.split(np.zeros(len(names)), groups=names)


@final
@dataclass(frozen=True)
class LeaveOneLabelOut:
    """One label at a time: each searcher's traces predicted from those of the others, or each task's, or each model's.

    Traces of a predicted configuration never train, under whichever label they stand.

    Args:
        labels: of each trace, shape ``(n,)``; given here, as scikit-learn's ``PredefinedSplit`` takes its folds.
        folds: 1 predicts a label's traces at once. Where the labels share their configurations (one design on every
            task) that would leave nothing to train on: more folds predict them in that many parts, so that the label
            and the configuration are both new.
        seed: of the draw of the parts, 0 or more.
    """

    labels: NDArray[Any]
    folds: int = 1
    seed: int = 0

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: N803
        """Returns the folds, labels in their sorted order; a part without traces on both sides is left out.

        Raises:
            UserError: without ``groups``, or when the labels have another length.
        """
        del y
        rows = _rows(X)
        names, labels = _needed(groups, "groups", rows), _needed(self.labels, "labels", rows)
        configurations, codes = np.unique(names, return_inverse=True)
        part = np.random.default_rng(self.seed).permutation(len(configurations)) % self.folds
        for label in np.unique(labels):
            for fold in range(self.folds):
                test = (labels == label) & (part[codes] == fold)
                train = (labels != label) & ~np.isin(codes, codes[test])
                if test.any() and train.any():
                    yield np.flatnonzero(train), np.flatnonzero(test)

    def get_n_splits(
        self,
        X: Any = None,  # noqa: N803
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Returns the number of folds; without ``groups``, as if every trace were a configuration of its own."""
        rows = len(self.labels) if X is None else _rows(X)
        return sum(1 for _ in self.split(np.zeros(rows), y, np.arange(rows) if groups is None else groups))


@final
@dataclass(frozen=True)
class Extrapolation:
    """One fold: the best configurations predicted from the worse ones, as a search needs it.

    A configuration is as good as the mean of its traces.

    Args:
        share: of the configurations that are predicted, at least one.
        minimize: whether small values of ``y`` are good.
    """

    share: float = TOP_SHARE
    minimize: bool = True

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: N803
        """Returns the fold.

        Raises:
            UserError: without ``y`` or ``groups``.
        """
        rows = _rows(X)
        names, values = _needed(groups, "groups", rows), _needed(y, "y", rows).astype(np.float64)
        _, codes = np.unique(names, return_inverse=True)
        means = np.bincount(codes, values) / np.bincount(codes)
        order = np.argsort(means if self.minimize else -means, kind="stable")
        best = order[: max(1, round(self.share * len(means)))]
        test = np.isin(codes, best)
        yield np.flatnonzero(~test), np.flatnonzero(test)

    def get_n_splits(
        self,
        X: Any = None,  # noqa: N803
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Returns 1."""
        del X, y, groups
        return 1


@final
@dataclass(frozen=True)
class FewerTraces:
    """Another splitter's folds with fewer traces to train on: how much is learnt from how many.

    Configurations are drawn at random, each with all its traces (the last one with those that fit), so that the
    predicted traces stay the same and a size counts what was really run.

    Args:
        inner: whose predicted traces are kept.
        size: traces that train; a fold that has fewer keeps them all.
        seed: of the draw; the same one gives larger sizes that hold the smaller ones.
    """

    inner: Splitter
    size: int
    seed: int = 0

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: N803
        """Returns the folds.

        Raises:
            UserError: without ``groups``.
        """
        names = _needed(groups, "groups", _rows(X))
        rng = np.random.default_rng(self.seed)
        for train, test in self.inner.split(X, y, groups):
            drawn = rng.permutation(np.unique(names[train]))
            ordered = np.concatenate([train[names[train] == name] for name in drawn]) if len(drawn) else train
            yield np.sort(ordered[: self.size]), test

    def get_n_splits(
        self,
        X: Any = None,  # noqa: N803
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Returns the number of folds of the inner splitter."""
        return self.inner.get_n_splits(X, y, groups)


def _rows(X: Any) -> int:  # noqa: N803
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape is not None else len(X)


def _needed(values: ArrayLike | None, name: str, rows: int) -> NDArray[Any]:
    array = np.asarray([] if values is None else values)
    if values is None or len(array) != rows:
        raise UserError(
            f"{name} of {'no' if values is None else len(array)} rows",
            f"the split is of {rows} rows and needs {name} for each",
            f"pass {name}= of the same length",
        )
    return array
