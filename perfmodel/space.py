"""What is decided: a configuration, and the space of legal ones as a versioned JSON."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.architecture import Architecture
from perfmodel.errors import InvalidConfigurationError, SchemaVersionError

SPACE_VERSION = 1

DEFAULT_RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
DEFAULT_BITS = (2, 3, 4, 8, 16)
DEFAULT_RANKS = (0, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Configuration:
    """What one trial is asked to do; units are layers.

    Args:
        pruning_rate: share of each prunable layer's linear parameters removed, in [0, 1).
        bits: storage width of each layer's linear weights, length ``layers``.
        ranks: LoRA rank of each layer, 0 for no adapter there, length ``layers``.
    """

    pruning_rate: float
    bits: tuple[int, ...]
    ranks: tuple[int, ...]

    @classmethod
    def uniform(cls, layers: int, *, bits: int, rank: int, pruning_rate: float = 0.0) -> "Configuration":
        """Returns the configuration with one width and one rank everywhere."""
        return cls(pruning_rate, (bits,) * layers, (rank,) * layers)

    @property
    def is_uniform(self) -> bool:
        """Whether every layer has the same bits and the same rank."""
        return len(set(self.bits)) == 1 and len(set(self.ranks)) == 1

    @property
    def identifier(self) -> str:
        """Twelve hexadecimal digits that name this configuration."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        """Returns the configuration as plain values."""
        return {"pruning_rate": float(self.pruning_rate), "bits": list(self.bits), "ranks": list(self.ranks)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Configuration":
        """Returns the configuration that ``to_dict`` wrote.

        Raises:
            InvalidConfigurationError: when a key is missing, unknown or not a number.
        """
        allowed = ("pruning_rate", "bits", "ranks")
        for key in values:
            if key not in allowed:
                close = difflib.get_close_matches(str(key), allowed, n=1)
                hint = f"did you mean {close[0]!r}?" if close else "remove it"
                raise InvalidConfigurationError(f"a configuration has the key {key!r}", f"keys are {allowed}", hint)
        try:
            return cls(
                float(values["pruning_rate"]),
                tuple(int(bits) for bits in values["bits"]),
                tuple(int(rank) for rank in values["ranks"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidConfigurationError(
                f"a configuration cannot be read ({error!r})",
                "pruning_rate is a number, bits and ranks are lists of integers, one a layer",
                "mend the configuration",
            ) from error


@dataclass(frozen=True)
class Space:
    """The legal configurations of one base model.

    Vectors hold indices into the choices: ``x[0]`` the pruning rate, ``x[1 : 1 + layers]`` the bits and
    ``x[1 + layers :]`` the ranks, so every dimension is an ordered integer from 0.

    Args:
        layers: number of units.
        pruning_rates: choices in rising order.
        bits: choices in rising order.
        ranks: choices in rising order.
    """

    layers: int
    pruning_rates: tuple[float, ...] = DEFAULT_RATES
    bits: tuple[int, ...] = DEFAULT_BITS
    ranks: tuple[int, ...] = DEFAULT_RANKS

    def __post_init__(self) -> None:
        """Refuses choices that no layer can have."""
        _check_choices("pruning_rates", self.pruning_rates, legal=all(0 <= rate < 1 for rate in self.pruning_rates))
        _check_choices("bits", self.bits, legal=set(self.bits) <= set(DEFAULT_BITS))
        adapted = all(rank >= 0 for rank in self.ranks) and max(self.ranks, default=0) > 0
        _check_choices("ranks", self.ranks, legal=adapted)
        if self.layers < 1:
            raise InvalidConfigurationError(f"a space of {self.layers} layers", "1 or more", "check the model")

    @classmethod
    def for_architecture(
        cls,
        architecture: Architecture,
        *,
        pruning_rates: Sequence[float] = DEFAULT_RATES,
        bits: Sequence[int] = DEFAULT_BITS,
        ranks: Sequence[int] = DEFAULT_RANKS,
    ) -> "Space":
        """Returns the space over a model's layers.

        Raises:
            InvalidConfigurationError: when a choice is illegal or a rank is larger than the layer.
        """
        limit = architecture.smallest_dimension
        if max(ranks, default=0) > limit:
            raise InvalidConfigurationError(
                f"rank {max(ranks)} is larger than the layer",
                f"the smallest linear module of this model has a side of {limit}",
                f"use ranks up to {limit}",
            )
        return cls(len(architecture.layers), tuple(pruning_rates), tuple(bits), tuple(ranks))

    @property
    def cardinalities(self) -> NDArray[np.int64]:
        """Number of choices of each dimension, shape ``(d,)`` with ``d = 1 + 2 * layers``."""
        sizes = [len(self.pruning_rates)] + [len(self.bits)] * self.layers + [len(self.ranks)] * self.layers
        return np.asarray(sizes, dtype=np.int64)

    def validate(self, configuration: Configuration) -> None:
        """Checks that a configuration lies in the space.

        Raises:
            InvalidConfigurationError: naming the first layer and value that do not.
        """
        if configuration.pruning_rate not in self.pruning_rates:
            raise _illegal("pruning_rate", configuration.pruning_rate, self.pruning_rates)
        for name, values, choices in (
            ("bits", configuration.bits, self.bits),
            ("ranks", configuration.ranks, self.ranks),
        ):
            if len(values) != self.layers:
                raise InvalidConfigurationError(
                    f"{name} has {len(values)} entries", f"the model has {self.layers} layers", "give one a layer"
                )
            for layer, value in enumerate(values):
                if value not in choices:
                    raise _illegal(f"{name}[{layer}]", value, choices)
        if not any(configuration.ranks):
            raise InvalidConfigurationError(
                "every rank is 0", "at least one layer needs an adapter", "raise the rank of a layer"
            )

    def encode(self, configurations: Iterable[Configuration]) -> NDArray[np.int64]:
        """Returns index vectors, shape ``(n, 1 + 2 * layers)``.

        Raises:
            InvalidConfigurationError: when a configuration lies outside the space.
        """
        rows = []
        for configuration in configurations:
            self.validate(configuration)
            rows.append(
                [self.pruning_rates.index(configuration.pruning_rate)]
                + [self.bits.index(bits) for bits in configuration.bits]
                + [self.ranks.index(rank) for rank in configuration.ranks]
            )
        return np.asarray(rows, dtype=np.int64).reshape(len(rows), 1 + 2 * self.layers)

    def decode(self, vectors: NDArray[np.int64]) -> list[Configuration]:
        """Returns the configurations of index vectors, shape ``(n, 1 + 2 * layers)``."""
        bits, ranks = np.asarray(self.bits), np.asarray(self.ranks)
        return [
            Configuration(
                self.pruning_rates[int(row[0])],
                tuple(bits[row[1 : 1 + self.layers]].tolist()),
                tuple(ranks[row[1 + self.layers :]].tolist()),
            )
            for row in np.asarray(vectors, dtype=np.int64)
        ]

    def to_json(self) -> str:
        """Returns the space as versioned JSON, the source of truth for every export."""
        return json.dumps(
            {
                "version": SPACE_VERSION,
                "layers": self.layers,
                "pruning_rates": self.pruning_rates,
                "bits": self.bits,
                "ranks": self.ranks,
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
            values = json.loads(text)
            version = int(values["version"])
            if version > SPACE_VERSION:
                raise SchemaVersionError(
                    f"the space has version {version}", f"known are up to {SPACE_VERSION}", "upgrade perfmodel"
                )
            return cls(values["layers"], tuple(values["pruning_rates"]), tuple(values["bits"]), tuple(values["ranks"]))
        except (KeyError, TypeError, ValueError) as error:
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


def _illegal(name: str, value: float, choices: Sequence[float]) -> InvalidConfigurationError:
    return InvalidConfigurationError(
        f"{name} is {value}", f"allowed are {', '.join(map(str, choices))}", "choose one of these"
    )
