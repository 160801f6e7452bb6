"""One pruning rate and one rank for all units, for methods that search the rest alone.

Notation:
    n: vectors.
    U: units of the space.
    d: dimensions of the space, ``1 + 2 U``.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.space import Space


@final
@dataclass(frozen=True)
class FixedChoices:
    """A pruning rate and a rank that every configuration has; only the widths differ.

    Args:
        space: the legal configurations.
        rate: index of the pruning rate in the space.
        rank: index of the rank in the space.
    """

    space: Space
    rate: int
    rank: int

    @classmethod
    def nearest(cls, space: Space, *, rank: int, percent: int) -> "FixedChoices":
        """Returns the choices of the space nearest to a rank and a pruning rate.

        Args:
            space: the legal configurations.
            rank: 1 or more.
            percent: pruning rate in percent, 0 to 99.

        Raises:
            UserError: when a number is out of range.
        """
        return cls(space, rate_index(space, percent), rank_index(space, rank))

    def with_bits(self, bits: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the vectors of these widths, shape ``(n, d)``.

        Args:
            bits: indices of widths, shape ``(n, U)``.
        """
        n, units = bits.shape
        return np.column_stack([np.full(n, self.rate), bits, np.full((n, units), self.rank)]).astype(np.int64)

    def hold(self, vectors: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Returns which vectors ``(n, d)`` have this rate and this rank everywhere, shape ``(n,)``."""
        return np.asarray((vectors == self.with_bits(vectors[:, 1 : 1 + self.space.units])).all(axis=1))


def rate_index(space: Space, percent: int) -> int:
    """Returns the index of the pruning rate nearest to a number of percent.

    Args:
        space: the legal configurations.
        percent: 0 to 99.

    Raises:
        UserError: when it is out of range.
    """
    if not 0 <= percent < 100:
        raise UserError(f"a pruning rate of {percent} %", "0 to 99", "choose another rate")
    return int(np.abs(np.asarray(space.pruning_rates) - percent / 100).argmin())


def rank_index(space: Space, rank: int) -> int:
    """Returns the index of the rank above 0 that is nearest to a rank, by ratio.

    Args:
        space: the legal configurations.
        rank: 1 or more.

    Raises:
        UserError: when it is not above 0.
    """
    if rank < 1:
        raise UserError(f"a rank of {rank}", "1 or more", "choose another rank")
    ranks = np.asarray(space.ranks, dtype=np.float64)
    return int(np.abs(np.log(np.where(ranks > 0, ranks, 1e-300) / rank)).argmin())


def random_choices(space: Space, n: int, rate: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns vectors of independent bits and ranks at one rate, shape ``(n, d)``; every rank of one may be 0.

    Args:
        space: the legal configurations.
        n: number of vectors, 0 or more.
        rate: index of the pruning rate in the space.
        rng: source of everything random here.
    """
    vectors = rng.integers(space.cardinalities, size=(n, len(space.cardinalities)))
    vectors[:, 0] = rate
    return vectors
