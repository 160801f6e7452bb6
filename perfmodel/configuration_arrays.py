"""Many configurations as three arrays, the form in which features are computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.space import Configuration, Space


@dataclass(frozen=True)
class ConfigurationArrays:
    """Configurations of one number of layers, one a row.

    Args:
        rates: pruning rates, shape ``(n,)``.
        bits: storage widths, shape ``(n, layers)``.
        ranks: LoRA ranks, shape ``(n, layers)``.
    """

    rates: NDArray[np.float64]
    bits: NDArray[np.int64]
    ranks: NDArray[np.int64]

    @classmethod
    def from_configurations(cls, configurations: Sequence[Configuration]) -> "ConfigurationArrays":
        """Returns the arrays of configurations, shape ``(n,)``; all have the same number of layers."""
        shape = len(configurations), len(configurations[0].bits) if configurations else 0
        return cls(
            np.array([configuration.pruning_rate for configuration in configurations], dtype=np.float64),
            np.array([configuration.bits for configuration in configurations], dtype=np.int64).reshape(shape),
            np.array([configuration.ranks for configuration in configurations], dtype=np.int64).reshape(shape),
        )

    @classmethod
    def from_vectors(cls, space: Space, vectors: NDArray[np.int64]) -> "ConfigurationArrays":
        """Returns the arrays of a space's index vectors, shape ``(n, 1 + 2 * layers)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        vectors = np.asarray(vectors, dtype=np.int64)
        sizes = space.cardinalities
        if vectors.shape[1:] != sizes.shape:
            raise ValueError(f"vectors must have shape (n, {len(sizes)}), got {vectors.shape}")
        if np.any(vectors < 0) or np.any(vectors >= sizes):
            raise ValueError("vectors must hold indices from 0 to below the space's cardinalities")
        first_rank = 1 + space.layers
        return cls(
            np.asarray(space.pruning_rates, dtype=np.float64)[vectors[:, 0]],
            np.asarray(space.bits, dtype=np.int64)[vectors[:, 1:first_rank]],
            np.asarray(space.ranks, dtype=np.int64)[vectors[:, first_rank:]],
        )

    def __len__(self) -> int:
        """Returns the number of configurations."""
        return len(self.rates)
