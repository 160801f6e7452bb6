"""Exact bytes of every choice of every unit, read off a closed form by changing one choice at a time.

Notation:
    R, U, B, K: pruning rates, units, widths and ranks of the space.
    d: dimensions of the space.

At one rate, resident bytes are a sum over the units, so the tables give them exactly. Where the form is a peak of
several moments they are near, and what is built on them is checked by the form itself.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.contract.knowledge import Memory


@final
@dataclass(frozen=True)
class ByteTables:
    """Bytes above those of the lowest choices.

    Args:
        rates: of each rate with the lowest choices everywhere, shape ``(R,)``.
        bits: added by the width of each unit, shape ``(R, U, B)``.
        ranks: added by the rank of each unit, shape ``(R, U, K)``.
    """

    rates: NDArray[np.float64]
    bits: NDArray[np.float64]
    ranks: NDArray[np.float64]

    def total(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the bytes of index vectors, shape ``(n,)``."""
        units = np.arange(self.bits.shape[1])
        rate = vectors[:, 0]
        bits = self.bits[rate[:, None], units, vectors[:, 1 : 1 + len(units)]]
        ranks = self.ranks[rate[:, None], units, vectors[:, 1 + len(units) :]]
        return np.asarray(self.rates[rate] + bits.sum(axis=1) + ranks.sum(axis=1))


def byte_tables(space: Space, memory: Memory) -> ByteTables:
    """Returns the tables, from ``R (1 + U (B + K))`` values of the closed form.

    Rank 0 everywhere is no configuration, so changes are read beside units that hold the lowest rank above 0.

    Args:
        space: the legal configurations.
        memory: from index vectors to bytes.
    """
    lowest = int(space.ranks[0] == 0)
    reference = np.concatenate([[0], np.zeros(space.units), np.full(space.units, lowest)]).astype(np.int64)
    rates, bits, ranks = [], [], []
    for rate in range(len(space.pruning_rates)):
        reference[0] = rate
        at = _changed(reference, 1, space.units, len(space.bits))
        of = _changed(reference, 1 + space.units, space.units, len(space.ranks))
        if lowest and space.units == 1:
            of[0, -1] = 1  # the only unit cannot go bare
        values = memory(np.concatenate([reference[None], at, of]))
        base, of_bits, of_ranks = values[0], values[1 : 1 + len(at)], values[1 + len(at) :]
        bits.append((of_bits - base).reshape(space.units, -1))
        table = (of_ranks - base).reshape(space.units, -1)
        rates.append(base + table[:, 0].sum())
        ranks.append(table - table[:, :1])
    return ByteTables(np.asarray(rates), np.asarray(bits), np.asarray(ranks))


def _changed(reference: NDArray[np.int64], start: int, units: int, choices: int) -> NDArray[np.int64]:
    """Returns the reference with each choice in each of some dimensions, shape ``(units * choices, d)``."""
    rows = np.repeat(reference[None], units * choices, axis=0)
    rows[np.arange(units * choices), start + np.repeat(np.arange(units), choices)] = np.tile(np.arange(choices), units)
    return rows
