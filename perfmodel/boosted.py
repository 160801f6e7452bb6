"""A bag of gradient-boosted trees: spread over the bag is what the model does not know, out-of-bag error the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import CorruptFileError
from perfmodel.features import SUMMARY_COLUMNS
from perfmodel.state_file import read_state, write_state
from perfmodel.surrogate import AbstractSurrogate, Posterior, column_matrix, fitted, link_target

if TYPE_CHECKING:
    import pandas as pd
    import xgboost

MEMBERS = 8
TREES = 60

PARAMETERS: dict[str, Any] = {
    "objective": "reg:squarederror",
    "base_score": 0.0,
    "eta": 0.15,
    "max_depth": 3,
    "min_child_weight": 1,
    "lambda": 1.0,
    "colsample_bylevel": 0.7,
    "tree_method": "exact",
    "nthread": 1,
    "verbosity": 0,
}
"""Shallow trees for tens to hundreds of rows; 60 large steps scored as well as 150 small ones at a third of the time.

One thread: two processes with two threads each slow each other on two cores tenfold.
"""

_FILE = "boosted.json"


@dataclass(frozen=True)
class _Bag:
    """The fitted state.

    Args:
        columns: features in the members' order.
        centre: mean of the training targets in link space.
        scale: their standard deviation, 1 where they do not vary.
        noise: out-of-bag standard deviation in link space.
        members: one booster for each bootstrap sample.
    """

    columns: tuple[str, ...]
    centre: float
    scale: float
    noise: float
    members: tuple["xgboost.Booster", ...]

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns every member's prediction in link space, shape ``(members, n)``."""
        standardised = [member.inplace_predict(values) for member in self.members]
        return self.centre + self.scale * np.asarray(standardised, dtype=np.float64)


@final
class BoostedSurrogate(AbstractSurrogate):
    """XGBoost models, each fitted to a bootstrap sample of whole configurations.

    It reads the summary columns where the features have them (trees find no pattern in 2 L raw columns of so few
    rows), and all columns otherwise. ``rising`` columns are monotone constraints.
    """

    kind: ClassVar[str] = "boosted"
    version: ClassVar[int] = 1

    def __init__(self, *, log_target: bool, rising: Sequence[str] = (), seed: int = 0) -> None:
        self._log = log_target
        self._rising = frozenset(rising)
        self._seed = seed
        self._bag: _Bag | None = None

    def fit(self, features: "pd.DataFrame", target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        names = [str(column) for column in features.columns]
        columns = tuple(name for name in names if name in SUMMARY_COLUMNS) or tuple(names)
        values = column_matrix(features, columns)
        link = link_target(features, target, groups, log_target=self._log)
        centre, scale = float(link.mean()), float(link.std()) or 1.0
        members, out_of_bag = self._fit_members(values, (link - centre) / scale, groups, columns)
        self._bag = _Bag(columns, centre, scale, scale * out_of_bag, members)
        return self

    def posterior(self, features: "pd.DataFrame") -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        bag = fitted(self._bag, self.kind)
        predictions = bag.predict(column_matrix(features, bag.columns))
        scale = np.sqrt(predictions.var(axis=0) + bag.noise**2)
        return Posterior(predictions.mean(axis=0), scale, self._log)

    def save(self, folder: Path) -> None:
        """Writes ``boosted.json`` and one ``member_<i>.ubj`` each; see ``AbstractSurrogate.save``."""
        bag = fitted(self._bag, self.kind)
        body = {"log_target": self._log, "columns": list(bag.columns), "members": len(bag.members)}
        body |= {"centre": bag.centre, "scale": bag.scale, "noise": bag.noise}
        write_state(folder / _FILE, self.kind, self.version, body)
        for index, member in enumerate(bag.members):
            member.save_model(_member_path(folder, index))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version)
        model = cls(log_target=body["log_target"])
        members = tuple(_load_member(_member_path(folder, index)) for index in range(body["members"]))
        model._bag = _Bag(tuple(body["columns"]), body["centre"], body["scale"], body["noise"], members)
        return model

    def _fit_members(
        self, values: NDArray[np.float64], target: NDArray[np.float64], groups: NDArray[Any], columns: Sequence[str]
    ) -> tuple[tuple["xgboost.Booster", ...], float]:
        """Returns the members and the out-of-bag standard deviation, both for the standardised target."""
        import xgboost

        constraints = "(" + ",".join(str(int(column in self._rising)) for column in columns) + ")"
        rng = np.random.default_rng(self._seed)
        names, inverse = np.unique(groups, return_inverse=True)
        members, outside, sums = [], np.zeros(len(target)), np.zeros(len(target))
        for index in range(MEMBERS):
            drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))[inverse]
            inside = drawn > 0
            data = xgboost.DMatrix(values[inside], target[inside], weight=drawn[inside], nthread=1)
            parameters = {**PARAMETERS, "monotone_constraints": constraints, "seed": self._seed + index}
            members.append(xgboost.train(parameters, data, num_boost_round=TREES))
            outside += ~inside
            sums[~inside] += members[-1].inplace_predict(values[~inside]) if not np.all(inside) else 0.0
        seen = outside > 0
        residuals = target[seen] - sums[seen] / outside[seen]
        # No configuration was ever left out: only with one or two of them. Their whole spread is then unexplained.
        noise = float(np.sqrt(np.mean(residuals**2))) if np.any(seen) else float(target.std(ddof=1))
        return tuple(members), noise


def _member_path(folder: Path, index: int) -> Path:
    return folder / f"member_{index:02d}.ubj"


def _load_member(path: Path) -> "xgboost.Booster":
    import xgboost

    try:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(path)
    except (xgboost.core.XGBoostError, ValueError, OSError) as error:
        raise CorruptFileError(
            f"{path} cannot be read as an XGBoost model", "a file as it was written is needed", "fit the model again"
        ) from error
    return booster
