"""One rate, or one rate and one rank, for methods that search the rest alone.

Notation:
    U: units of the space.
    d: dimensions of the space.
"""

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.space import Space


def rate_index(space: Space, percent: int) -> int:
    """Returns the index of the pruning rate nearest to a number of percent.

    Raises:
        UserError: when it is no share.
    """
    if not 0 <= percent < 100:
        raise UserError(f"a pruning rate of {percent} %", "0 to 99", "choose another rate")
    return int(np.abs(np.asarray(space.pruning_rates) - percent / 100).argmin())


def rank_index(space: Space, rank: int) -> int:
    """Returns the index of the rank above 0 that is nearest to a rank, by ratio.

    Raises:
        UserError: when it is not above 0.
    """
    if rank < 1:
        raise UserError(f"a rank of {rank}", "1 or more", "choose another rank")
    ranks = np.asarray(space.ranks, dtype=np.float64)
    return int(np.abs(np.log(np.where(ranks > 0, ranks, 1e-300) / rank)).argmin())


def with_bits(space: Space, bits: NDArray[np.int64], rate: int, rank: int) -> NDArray[np.int64]:
    """Returns vectors of these widths with one rate and one rank, shape ``(n, d)``.

    Args:
        space: the legal configurations.
        bits: indices, shape ``(n, U)``.
        rate: index.
        rank: index.
    """
    n = len(bits)
    return np.column_stack([np.full(n, rate), bits, np.full((n, space.units), rank)]).astype(np.int64)


def random_choices(space: Space, n: int, rate: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns vectors of independent bits and ranks at one rate, shape ``(n, d)``; every rank of one may be 0.

    Args:
        space: the legal configurations.
        n: number of vectors.
        rate: index.
        rng: source of randomness.
    """
    vectors = rng.integers(space.cardinalities, size=(n, len(space.cardinalities)))
    vectors[:, 0] = rate
    return vectors
