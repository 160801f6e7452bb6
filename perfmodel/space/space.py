"""What is decided: a configuration, and the space of legal ones as a versioned JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import (
    CorruptFileError,
    InvalidConfigurationError,
    SchemaVersionError,
    did_you_mean,
    named_by_index,
)
from perfmodel.files.checksum import sha256_of_json
from perfmodel.files.json_file import parse_json
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import DEFAULT_METHODS, Methods

SPACE_VERSION = 2
"""Version 1 knew layers as units only, and no methods but the defaults."""

Unit = Literal["layer", "module"]
"""What gets bits and a rank of its own: a layer, or each linear module of a layer."""

DEFAULT_RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
DEFAULT_BITS = (2, 3, 4, 8, 16)
DEFAULT_RANKS = (0, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Configuration:
    """What one trial is asked to do.

    Units are layers, or the linear modules of all layers in their order; bits and ranks have as many entries.

    Args:
        pruning_rate: share of the prunable layers' linear parameters removed, in [0, 1).
        bits: storage width of each unit's linear weights, shape ``(units,)``.
        ranks: LoRA rank of each unit, 0 for no adapter there, shape ``(units,)``.
        methods: how it is pruned, stored, started and adapted.
    """

    pruning_rate: float
    bits: tuple[int, ...]
    ranks: tuple[int, ...]
    methods: Methods = DEFAULT_METHODS

    @classmethod
    def uniform(
        cls, units: int, *, bits: int, rank: int, pruning_rate: float = 0.0, methods: Methods = DEFAULT_METHODS
    ) -> "Configuration":
        """Returns the configuration with one width and one rank everywhere."""
        return cls(pruning_rate, (bits,) * units, (rank,) * units, methods)

    @property
    def is_uniform(self) -> bool:
        """Whether every unit has the same bits and the same rank."""
        return len(set(self.bits)) == 1 and len(set(self.ranks)) == 1

    @property
    def identifier(self) -> str:
        """Twelve hexadecimal digits that name this configuration."""
        return sha256_of_json(self.to_dict())[:12]

    def to_dict(self) -> dict[str, Any]:
        """Returns the configuration as plain values; methods are left out where all are the defaults."""
        values = {"pruning_rate": float(self.pruning_rate), "bits": list(self.bits), "ranks": list(self.ranks)}
        return values if self.methods == DEFAULT_METHODS else {**values, "methods": self.methods.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Configuration":
        """Returns the configuration that ``to_dict`` wrote.

        Raises:
            InvalidConfigurationError: when a key is missing or unknown, or a value is no number, such as the text "4"
                or 4.9 bits.
        """
        allowed = ("pruning_rate", "bits", "ranks", "methods")
        for key in values:
            if key not in allowed:
                raise InvalidConfigurationError(
                    f"a configuration has the key {key!r}",
                    f"keys are {allowed}",
                    did_you_mean(str(key), allowed, "remove it"),
                )
        try:
            return cls(
                float(values["pruning_rate"]),
                tuple(map(_whole, values["bits"])),
                tuple(map(_whole, values["ranks"])),
                Methods.from_dict(values.get("methods", {})),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidConfigurationError(
                f"a configuration cannot be read ({error!r})",
                "pruning_rate is a number, bits and ranks are lists of integers, one a unit; methods is a mapping",
                "mend the configuration",
            ) from error


@dataclass(frozen=True)
class Space:
    """The legal configurations of one base model.

    Vectors hold indices into the choices: ``x[0]`` the pruning rate, ``x[1 : 1 + units]`` the bits and
    ``x[1 + units :]`` the ranks, so every dimension is an ordered integer from 0.

    Args:
        units: number of layers, or of linear modules over all layers.
        pruning_rates: rates to choose from, rising, each in [0, 1).
        bits: bits to choose from, rising, of 2, 3, 4, 8 and 16.
        ranks: ranks to choose from, rising, 0 or more.
        methods: methods of every configuration of the space.
    """

    units: int
    pruning_rates: tuple[float, ...] = DEFAULT_RATES
    bits: tuple[int, ...] = DEFAULT_BITS
    ranks: tuple[int, ...] = DEFAULT_RANKS
    methods: Methods = DEFAULT_METHODS

    def __post_init__(self) -> None:
        """Refuses choices that no unit can have."""
        _check_choices("pruning_rates", self.pruning_rates, legal=all(0 <= rate < 1 for rate in self.pruning_rates))
        _check_choices("bits", self.bits, legal=set(self.bits) <= set(DEFAULT_BITS))
        adapted = all(rank >= 0 for rank in self.ranks) and max(self.ranks, default=0) > 0
        _check_choices("ranks", self.ranks, legal=adapted)
        if self.units < 1:
            raise InvalidConfigurationError(f"a space of {self.units} units", "1 or more", "check the model")

    @classmethod
    def for_architecture(
        cls,
        architecture: Architecture,
        *,
        unit: Unit = "layer",
        pruning_rates: Sequence[float] = DEFAULT_RATES,
        bits: Sequence[int] = DEFAULT_BITS,
        ranks: Sequence[int] = DEFAULT_RANKS,
        methods: Methods = DEFAULT_METHODS,
    ) -> "Space":
        """Returns the space over a model's layers, or over their linear modules.

        Raises:
            InvalidConfigurationError: when a choice is illegal or a rank is larger than the smallest module.
        """
        limit = architecture.smallest_dimension
        if max(ranks, default=0) > limit:
            raise InvalidConfigurationError(
                f"rank {max(ranks)} is larger than the layer",
                f"the smallest linear module of this model has a side of {limit}",
                f"use ranks up to {limit}",
            )
        units = len(architecture.layers) * (1 if unit == "layer" else len(architecture.modules))
        return cls(units, tuple(pruning_rates), tuple(bits), tuple(ranks), methods)

    @property
    def cardinalities(self) -> NDArray[np.int64]:
        """Number of choices of each dimension, shape ``(d,)`` with ``d = 1 + 2 * units``."""
        sizes = [len(self.pruning_rates)] + [len(self.bits)] * self.units + [len(self.ranks)] * self.units
        return np.asarray(sizes, dtype=np.int64)

    def validate(self, configuration: Configuration) -> None:
        """Checks that a configuration lies in the space.

        Raises:
            InvalidConfigurationError: naming the first unit and value that do not.
        """
        if configuration.methods != self.methods:
            raise InvalidConfigurationError(
                f"the methods are {configuration.methods}", f"those of the space are {self.methods}", "use these"
            )
        if configuration.pruning_rate not in self.pruning_rates:
            raise _illegal("pruning_rate", configuration.pruning_rate, self.pruning_rates)
        for name, values, choices in (
            ("bits", configuration.bits, self.bits),
            ("ranks", configuration.ranks, self.ranks),
        ):
            if len(values) != self.units:
                raise InvalidConfigurationError(
                    f"{name} has {len(values)} entries", f"the space has {self.units} units", "give one a unit"
                )
            for unit, value in enumerate(values):
                if value not in choices:
                    raise _illegal(f"{name}[{unit}]", value, choices)
        if not any(configuration.ranks):
            raise InvalidConfigurationError(
                "every rank is 0", "at least one unit needs an adapter", "raise the rank of a unit"
            )

    def encode(self, configurations: Iterable[Configuration]) -> NDArray[np.int64]:
        """Returns index vectors, shape ``(n, 1 + 2 * units)``.

        Raises:
            InvalidConfigurationError: when a configuration lies outside the space; of several, naming its index.
        """
        rows = []
        for index, configuration in enumerate(configurations):
            with named_by_index(index):
                self.validate(configuration)
            rows.append(
                [self.pruning_rates.index(configuration.pruning_rate)]
                + [self.bits.index(bits) for bits in configuration.bits]
                + [self.ranks.index(rank) for rank in configuration.ranks]
            )
        return np.asarray(rows, dtype=np.int64).reshape(len(rows), 1 + 2 * self.units)

    def decode(self, vectors: NDArray[np.int64]) -> list[Configuration]:
        """Returns the configurations of index vectors, shape ``(n, 1 + 2 * units)``."""
        bits, ranks = np.asarray(self.bits), np.asarray(self.ranks)
        return [
            Configuration(
                self.pruning_rates[int(row[0])],
                tuple(bits[row[1 : 1 + self.units]].tolist()),
                tuple(ranks[row[1 + self.units :]].tolist()),
                self.methods,
            )
            for row in np.asarray(vectors, dtype=np.int64)
        ]

    def levels(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns index vectors ``(n, d)`` with each dimension scaled to [0, 1], 0 where it has one choice only."""
        return np.asarray(vectors / np.maximum(self.cardinalities - 1, 1))

    def to_json(self) -> str:
        """Returns the space as versioned JSON, the source of truth for every export."""
        return json.dumps(
            {
                "version": SPACE_VERSION,
                "units": self.units,
                "pruning_rates": self.pruning_rates,
                "bits": self.bits,
                "ranks": self.ranks,
                "methods": self.methods.to_dict(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Space":
        """Returns the space that ``to_json`` wrote.

        Raises:
            SchemaVersionError: when a newer version wrote it.
            InvalidConfigurationError: when the text is no space.
        """
        try:
            values = parse_json(text, "the space")
            version = _whole(values["version"])
            if version > SPACE_VERSION:
                raise SchemaVersionError(
                    f"the space has version {version}", f"known are up to {SPACE_VERSION}", "upgrade perfmodel"
                )
            return cls(
                _whole(values["layers" if version == 1 else "units"]),
                tuple(values["pruning_rates"]),
                tuple(values["bits"]),
                tuple(values["ranks"]),
                Methods.from_dict({} if version == 1 else values["methods"]),
            )
        except (AttributeError, CorruptFileError, KeyError, TypeError, ValueError) as error:
            raise InvalidConfigurationError(
                f"the text is no space ({error!r})", "JSON that Space.to_json wrote", "write it again"
            ) from error


def _check_choices(name: str, choices: Sequence[float], *, legal: bool) -> None:
    allowed = {
        "pruning_rates": "rates in [0, 1)",
        "bits": f"a subset of {DEFAULT_BITS}",
        "ranks": "integers of 0 or more, one of them above 0",
    }[name]
    if not choices or not legal or list(choices) != sorted(set(choices)):
        raise InvalidConfigurationError(
            f"space.{name} is {tuple(choices)}", f"allowed are {allowed}, rising, each once", f"change space.{name}"
        )


def _whole(value: Any) -> int:
    """Returns a whole number as ``int``; 4.0 is one, "4", 4.9 and True are none."""
    if isinstance(value, bool) or not isinstance(value, Real) or not float(value).is_integer():
        raise ValueError(f"{value!r} is no whole number")
    return int(float(value))


def _illegal(name: str, value: float, choices: Sequence[float]) -> InvalidConfigurationError:
    return InvalidConfigurationError(
        f"{name} is {value!r}", f"allowed are {', '.join(map(str, choices))}", "choose one of these"
    )
