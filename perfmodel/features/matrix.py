"""Features as one array with named columns: what every surrogate is fitted to and asked with."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """Rows of named numeric columns.

    Args:
        columns: names, shape ``(q,)``.
        values: any unit, finite where a model reads them, shape ``(n, q)``.
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Returns the number n of rows."""
        return len(self.values)

    def take(self, columns: tuple[str, ...]) -> NDArray[np.float64]:
        """Returns a copy of the named columns, shape ``(n, len(columns))``.

        Args:
            columns: names, in any order.

        Raises:
            UserError: when a column is missing, or holds NaN or infinity.
        """
        values = self.values.take(self._places(columns), axis=1)
        if not self._is_finite and not np.isfinite(values).all():
            raise UserError("the features hold NaN or infinity", "values must be finite", "drop those rows")
        return values

    def column(self, name: str) -> NDArray[np.float64]:
        """Returns one column, shape ``(n,)``.

        Args:
            name: of a column that is there.

        Raises:
            UserError: when it is missing, or holds NaN or infinity.
        """
        return self.take((name,))[:, 0]

    def select(self, columns: Sequence[str]) -> "FeatureMatrix":
        """Returns the features with the named columns only.

        Args:
            columns: names, in any order.

        Raises:
            UserError: when a column is missing.
        """
        names = tuple(columns)
        return FeatureMatrix(names, self.values.take(self._places(names), axis=1))

    def rows(self, chosen: NDArray[Any] | slice) -> "FeatureMatrix":
        """Returns the features with some of the rows only.

        Args:
            chosen: indices of rows, one truth for each row, or a slice.
        """
        return FeatureMatrix(self.columns, self.values[chosen])

    def beside(self, other: "FeatureMatrix") -> "FeatureMatrix":
        """Returns the features with other columns after their own.

        Args:
            other: n rows; a column of the same name takes the place of ours.
        """
        kept = tuple(name for name in self.columns if name not in other.columns)
        return FeatureMatrix((*kept, *other.columns), np.hstack((self.select(kept).values, other.values)))

    def with_column(self, name: str, values: Sequence[float] | NDArray[np.float64]) -> "FeatureMatrix":
        """Returns the features with one more column, which comes last.

        Args:
            name: of the column; one of that name is replaced.
            values: of the column, one a row, any unit, shape ``(n,)``.
        """
        return self.beside(FeatureMatrix((name,), np.asarray(values, dtype=np.float64)[:, None]))

    def frame(self) -> "pd.DataFrame":
        """Returns the same as a data frame, to look at."""
        import pandas as pd

        return pd.DataFrame(self.values, columns=list(self.columns))

    @cached_property
    def _is_finite(self) -> bool:
        return bool(np.isfinite(self.values).all())

    def _places(self, columns: tuple[str, ...]) -> NDArray[np.intp]:
        missing, places = _found(self.columns, columns)
        if missing:
            names = ", ".join(missing[:3])
            raise UserError(f"features lack {names}", f"the model uses {len(columns)} columns", "use the same features")
        return places


@lru_cache(maxsize=256)
def _found(have: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Returns the missing names, and the positions of the others."""
    position = {name: index for index, name in enumerate(have)}
    missing = tuple(name for name in wanted if name not in position)
    return missing, np.array([position[name] for name in wanted if name in position], dtype=np.intp)
