"""Many configurations as three arrays, the form in which features are computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.space.methods import DEFAULT_METHODS, Methods
from perfmodel.space.space import Configuration, Space


@dataclass(frozen=True)
class ConfigurationArrays:
    """Configurations of one number of units and one choice of methods, one a row.

    Args:
        rates: pruning rates, shape ``(n,)``.
        bits: storage widths, shape ``(n, units)``.
        ranks: adapter ranks, 0 for none, shape ``(n, units)``.
        methods: methods of every configuration.
    """

    rates: NDArray[np.float64]
    bits: NDArray[np.int64]
    ranks: NDArray[np.int64]
    methods: Methods = DEFAULT_METHODS

    @classmethod
    def from_configurations(cls, configurations: Sequence[Configuration]) -> "ConfigurationArrays":
        """Returns the arrays of configurations, shape ``(n,)``.

        Raises:
            InvalidConfigurationError: when their numbers of units or their methods differ.
        """
        for name, values in (
            ("units", {len(configuration.bits) for configuration in configurations}),
            ("methods", {configuration.methods for configuration in configurations}),
        ):
            if len(values) > 1:
                raise InvalidConfigurationError(
                    f"the configurations mix the {name} {', '.join(map(str, values))}",
                    "one array holds one kind",
                    "split them",
                )
        shape = len(configurations), len(configurations[0].bits) if configurations else 0
        return cls(
            np.array([configuration.pruning_rate for configuration in configurations], dtype=np.float64),
            np.array([configuration.bits for configuration in configurations], dtype=np.int64).reshape(shape),
            np.array([configuration.ranks for configuration in configurations], dtype=np.int64).reshape(shape),
            configurations[0].methods if configurations else DEFAULT_METHODS,
        )

    @classmethod
    def from_vectors(cls, space: Space, vectors: NDArray[np.int64]) -> "ConfigurationArrays":
        """Returns the arrays of a space's index vectors, shape ``(n, 1 + 2 * units)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        vectors = np.asarray(vectors, dtype=np.int64)
        sizes = space.cardinalities
        if vectors.shape[1:] != sizes.shape:
            raise ValueError(f"vectors must have shape (n, {len(sizes)}), got {vectors.shape}")
        if np.any(vectors < 0) or np.any(vectors >= sizes):
            raise ValueError("vectors must hold indices from 0 to below the space's cardinalities")
        first_rank = 1 + space.units
        return cls(
            np.asarray(space.pruning_rates, dtype=np.float64)[vectors[:, 0]],
            np.asarray(space.bits, dtype=np.int64)[vectors[:, 1:first_rank]],
            np.asarray(space.ranks, dtype=np.int64)[vectors[:, first_rank:]],
            space.methods,
        )

    def __len__(self) -> int:
        """Returns the number of configurations."""
        return len(self.rates)


def space_vectors(space: Space, configurations: Sequence[Configuration]) -> NDArray[np.int64]:
    """Returns ``space.encode`` of the configurations, shape ``(n, 1 + 2 * units)``, without a loop over units.

    Raises:
        InvalidConfigurationError: when a configuration lies outside the space.
    """
    lengths = {len(values) for each in configurations for values in (each.bits, each.ranks)}
    if lengths != {space.units} or any(each.methods != space.methods for each in configurations):
        return space.encode(configurations)  # names what is wrong
    rows = np.array([(each.pruning_rate, *each.bits, *each.ranks) for each in configurations])
    if rows.dtype.kind not in "if":  # texts among them, which a conversion would read
        return space.encode(configurations)
    vectors = np.empty(rows.shape, dtype=np.int64)
    ends = 1 + space.units
    known = bool(rows[:, ends:].any(axis=1).all())
    for columns, choices in (
        (slice(0, 1), space.pruning_rates),
        (slice(1, ends), space.bits),
        (slice(ends, None), space.ranks),
    ):
        allowed = np.asarray(choices, dtype=np.float64)
        places = np.searchsorted(allowed, rows[:, columns]).clip(max=len(allowed) - 1)
        known = known and bool((allowed.take(places) == rows[:, columns]).all())
        vectors[:, columns] = places
    return vectors if known else space.encode(configurations)


def by_module(values: Sequence[int], layers: int, modules: int) -> tuple[tuple[int, ...], ...]:
    """Returns one value for each linear module of each layer, shape ``(layers, modules)``.

    Args:
        values: one for each layer, or one for each module, layer by layer.
        layers: of the model.
        modules: linear modules of a layer.

    Raises:
        InvalidConfigurationError: when the length fits neither.
    """
    if len(values) == layers:
        return tuple((value,) * modules for value in values)
    if len(values) == layers * modules:
        return tuple(tuple(values[start : start + modules]) for start in range(0, len(values), modules))
    raise InvalidConfigurationError(
        f"a configuration has {len(values)} units",
        f"the model has {layers} layers of {modules} linear modules",
        f"give {layers} or {layers * modules} bits and ranks",
    )
