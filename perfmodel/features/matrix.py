"""Features as one array with named columns: what surrogates read where a data frame would cost more than they do."""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, Union, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Made = TypeVar("Made")


@final
class FeatureMatrix:
    """n rows of named numeric columns, and what surrogates of several metrics derive from them in common.

    Args:
        columns: names, shape ``(q,)``.
        values: shape ``(n, q)``.
    """

    def __init__(self, columns: tuple[str, ...], values: NDArray[np.float64]) -> None:
        self.columns = columns
        self.values = values
        self._made: dict[Hashable, object] = {}

    @classmethod
    def of(cls, features: Union["FeatureMatrix", "pd.DataFrame"]) -> "FeatureMatrix":
        """Returns the features as a matrix; a matrix is returned as it is.

        Raises:
            UserError: when a column is no number.
        """
        if isinstance(features, cls):
            return features
        assert not isinstance(features, FeatureMatrix)  # the class is final
        try:
            values = features.to_numpy(dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"the features hold what is no number ({error})", "columns are numeric", "drop the others"
            ) from error
        return cls(tuple(str(column) for column in features.columns), values)

    def __len__(self) -> int:
        """Returns the number of rows."""
        return len(self.values)

    def take(self, columns: tuple[str, ...]) -> NDArray[np.float64]:
        """Returns the named columns, shape ``(n, len(columns))``.

        Raises:
            UserError: when a column is missing, or holds NaN or infinity.
        """
        missing, places = _places(self.columns, columns)
        if missing:
            names = ", ".join(missing[:3])
            raise UserError(f"features lack {names}", f"the model uses {len(columns)} columns", "use the same features")
        values = self.values.take(places, axis=1)
        if not self.once("finite", lambda: bool(np.isfinite(self.values).all())) and not np.isfinite(values).all():
            raise UserError("the features hold NaN or infinity", "values must be finite", "drop those rows")
        return values

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Returns what was made under the key, made now if it was not: models of several metrics share it."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[return-value]  # a key names one maker

    def frame(self) -> "pd.DataFrame":
        """Returns the same as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.values, columns=list(self.columns))


@lru_cache(maxsize=256)
def _places(have: tuple[str, ...], wanted: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Returns the missing names, and the positions of the others."""
    position = {name: index for index, name in enumerate(have)}
    missing = tuple(name for name in wanted if name not in position)
    return missing, np.array([position[name] for name in wanted if name in position], dtype=np.intp)
