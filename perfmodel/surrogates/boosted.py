"""A bag of gradient-boosted trees: spread over the bag is what the model does not know, out-of-bag error the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, MonotoneColumns, unit_kinds
from perfmodel.files.state_file import read_state, write_state
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.surrogates.tree_bag import TreeBag

MEMBERS = 6
TREES = 40
DEPTH = 3
DEEPEST = 8
"""Leaves are told apart by the bits of one byte."""

PARAMETERS: dict[str, Any] = {
    "objective": "reg:squarederror",
    "base_score": 0.0,
    "eta": 0.2,
    "min_child_weight": 1,
    "lambda": 1.0,
    "colsample_bylevel": 0.7,
    "tree_method": "exact",
    "nthread": 1,
    "verbosity": 0,
}
"""Shallow trees for tens to hundreds of rows, and few of them, because every prediction asks them all.

One thread: two processes with two threads each slow each other on two cores tenfold.
"""

_FILE = "boosted.json"


@dataclass(frozen=True)
class Bag:
    """The fitted state.

    Args:
        columns: features in the members' order.
        centre: mean of the training targets in link space.
        scale: their standard deviation, 1 where they do not vary.
        noise: out-of-bag standard deviation in link space.
        trees: of one member for each bootstrap sample.
    """

    columns: tuple[str, ...]
    centre: float
    scale: float
    noise: float
    trees: TreeBag

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns every member's prediction in link space, shape ``(members, n)``."""
        return self.centre + self.scale * self.trees.predict(values)


@final
class BoostedSurrogate(AbstractSurrogate):
    """XGBoost models, each fitted to a bootstrap sample of whole configurations.

    It reads the columns of whole configurations where the features have them (trees find no pattern in 2 L raw columns
    of so few rows), and all columns otherwise. Known slopes are monotone constraints. Saved trees are arrays of our
    own, so that loading and predicting need no XGBoost.
    """

    kind: ClassVar[str] = "boosted"
    version: ClassVar[int] = 2

    def __init__(
        self, *, log_target: bool, monotone: MonotoneColumns = FREE, seed: int = 0, depth: int = DEPTH
    ) -> None:
        """Makes an unfitted model; see ``AbstractSurrogate``.

        Args:
            log_target: whether log(y) is modelled; targets must then be positive.
            monotone: columns in which the metric is known to rise or to fall.
            seed: of every random choice, 0 or more.
            depth: levels of a tree, 1 to 8; a tree of depth d tells apart what d columns do together.

        Raises:
            UserError: when the depth is not allowed.
        """
        if not 1 <= depth <= DEEPEST:
            raise UserError(f"trees of depth {depth}", f"allowed are 1 to {DEEPEST}", "choose a depth in this range")
        self._depth = depth
        self._log = log_target
        self._monotone = monotone
        self._seed = seed
        self._bag: Bag | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        names = self._monotone.read(features.columns)
        columns = tuple(name for name, kind in zip(names, unit_kinds(names), strict=True) if kind is None) or names
        values = features.take(columns)
        link = link_target(features, target, groups, log_target=self._log)
        centre, scale = float(link.mean()), float(link.std()) or 1.0
        trees, out_of_bag = self._fit_members(values, (link - centre) / scale, groups, columns)
        self._bag = Bag(columns, centre, scale, scale * out_of_bag, trees)
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        bag = fitted(self._bag, self.kind)
        predictions = bag.predict(features.take(bag.columns))
        location = predictions.sum(axis=0) / len(predictions)
        apart = predictions - location
        scale = np.sqrt((apart * apart).sum(axis=0) / len(predictions) + bag.noise**2)
        return Posterior(location, scale, self._log, bag.noise)

    def save(self, folder: Path) -> None:
        """Writes ``boosted.json``; see ``AbstractSurrogate.save``."""
        bag = fitted(self._bag, self.kind)
        body = {"log_target": self._log, "columns": list(bag.columns), "centre": bag.centre, "scale": bag.scale}
        body |= {"noise": bag.noise, "trees": bag.trees.to_dict()}
        write_state(folder / _FILE, self.kind, self.version, body)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version, oldest=2)
        model = cls(log_target=body["log_target"])
        trees = TreeBag.from_dict(body["trees"])
        model._bag = Bag(tuple(body["columns"]), body["centre"], body["scale"], body["noise"], trees)
        return model

    def _fit_members(
        self, values: NDArray[np.float64], target: NDArray[np.float64], groups: NDArray[Any], columns: Sequence[str]
    ) -> tuple[TreeBag, float]:
        """Returns the members' trees and the out-of-bag standard deviation, both for the standardised target."""
        import xgboost

        constraints = "(" + ",".join(str(sign) for sign in self._monotone.signs(columns)) + ")"
        own = {**PARAMETERS, "max_depth": self._depth, "monotone_constraints": constraints}
        rng = np.random.default_rng(self._seed)
        names, inverse = np.unique(groups, return_inverse=True)
        members, outside = [], np.zeros((MEMBERS, len(target)), dtype=bool)
        for index in range(MEMBERS):
            drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))[inverse]
            inside = drawn > 0
            data = xgboost.DMatrix(values[inside], target[inside], weight=drawn[inside], nthread=1)
            parameters = {**own, "seed": self._seed + index}
            members.append(xgboost.train(parameters, data, num_boost_round=TREES))
            outside[index] = ~inside
        trees = TreeBag.from_boosters(members, self._depth)
        seen = outside.any(axis=0)
        residuals = target[seen] - np.average(trees.predict(values[seen]), axis=0, weights=outside[:, seen])
        # No configuration was ever left out: only with one or two of them. Their whole spread is then unexplained.
        noise = float(np.sqrt(np.mean(residuals**2))) if np.any(seen) else float(target.std(ddof=1))
        return trees, noise
