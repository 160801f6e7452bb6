"""How a configuration is carried out: pruning, formats, start and form of the adapters, each choice with its source."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.formats import FORMATS

Sizes = TypeVar("Sizes", int, NDArray[np.int64])


@dataclass(frozen=True)
class Choice:
    """One choice of a dimension.

    Args:
        title: what it is, in a few words.
        source: the paper that describes it.
    """

    title: str
    source: str


@dataclass(frozen=True)
class Adapter:
    """One form of low-rank update, and everything about it that decides parameters and bytes.

    Args:
        title: what it is, in a few words.
        source: the paper that describes it.
        has_magnitudes: whether it learns a magnitude per output, over the norm of each row of the adapted weight.
        pooled: whether it averages pairs of inputs, repeats each output twice and doubles the rank of A and B: both
            sides are half as long, so the count of parameters stays.
    """

    title: str
    source: str
    has_magnitudes: bool = False
    pooled: bool = False

    def parameters(self, rows: Sizes, columns: Sizes, rank: Sizes) -> Sizes:
        """Returns the trainable parameters of adapters, of the broadcast shape of the arguments.

        Args:
            rows: output features of each module, 1 or more.
            columns: input features of each module, 1 or more.
            rank: rank of each adapter, 0 for none.
        """
        return rank * (rows + columns) + (rank > 0) * rows * self.has_magnitudes


PRUNING_METHODS: dict[str, Choice] = {
    "taylor": Choice("first-order Taylor: sum of |weight x gradient|", "LLM-Pruner, arXiv 2305.11627"),
    "taylor_second": Choice("second-order Taylor: sum of weight^2 x gradient^2 / 2", "LLM-Pruner, arXiv 2305.11627"),
    "taylor_mixed": Choice("first and second order together", "LLM-Pruner, arXiv 2305.11627"),
    "magnitude": Choice("sum of |weight|", "Han et al. 2015, arXiv 1506.02626"),
    "activation_magnitude": Choice("sum of |weight| x norm of its input", "Wanda, arXiv 2306.11695"),
    "random": Choice("a draw by the trial's seed", "the control"),
}

PRUNING_SCOPES: dict[str, Choice] = {
    "per_layer": Choice("every prunable layer loses the same share", "LLM-Pruner, arXiv 2305.11627"),
    "global": Choice("the least important parts of all prunable layers go first", "LLM-Pruner, arXiv 2305.11627"),
}

INITIALIZERS: dict[str, Choice] = {
    "zero": Choice("A random, B zero: training starts at the quantised model", "LoRA, arXiv 2106.09685"),
    "gaussian": Choice("A normal with deviation 1/rank, B zero", "LoRA as in diffusers; PEFT"),
    "orthogonal": Choice("A and B with orthogonal rows and columns whose product is zero", "OrthoLoRA; PEFT"),
    **{
        f"loftq{rounds}": Choice(
            f"quantise, then SVD of the error; {rounds} round{'s' if rounds > 1 else ''}", "LoftQ, arXiv 2310.08659"
        )
        for rounds in range(1, 6)
    },
    "qera_diag": Choice("least output error, inputs taken as uncorrelated", "QERA, arXiv 2410.06040"),
    "qera_exact": Choice("least output error over the calibration inputs", "QERA, arXiv 2410.06040"),
    "olora": Choice("QR of the weight, taken out of the base", "OLoRA, arXiv 2406.01775"),
    "pissa": Choice("largest singular directions, taken out of the base", "PiSSA, arXiv 2404.02948"),
    "corda": Choice("largest directions of weight x covariance, taken out of the base", "CorDA, arXiv 2406.05223"),
    "eva": Choice("A from the largest directions of the inputs, B zero", "EVA, arXiv 2410.07170"),
}

ADAPTERS: dict[str, Adapter] = {
    "lora": Adapter("B A, scaled by alpha / rank", "LoRA, arXiv 2106.09685"),
    "rslora": Adapter("B A, scaled by alpha / sqrt(rank)", "rsLoRA, arXiv 2312.03732"),
    "dora": Adapter(
        "B A on the direction, a learned magnitude per output", "DoRA, arXiv 2402.09353", has_magnitudes=True
    ),
    "qblora": Adapter(
        "inputs pooled and outputs repeated by two: twice the rank in as many parameters", "Q-BLoRA", pooled=True
    ),
}
"""Each adapter by name. The closed form of memory, the features and the trials read their differences from here."""

WIDTHS = (16, 8, 4, 3, 2)
"""Storage widths in the order in which ``Methods.quantizers`` names their formats."""


@dataclass(frozen=True)
class Methods:
    """How one configuration is carried out, beside its rate, bits and ranks.

    Args:
        pruning_method: how groups and channels are ranked, of ``PRUNING_METHODS``.
        pruning_scope: within each layer or over all, of ``PRUNING_SCOPES``.
        quantizers: the format of each of ``WIDTHS``, joined by ``|``.
        initializer: how adapters start, of ``INITIALIZERS``.
        adapter: form of the adapters, of ``ADAPTERS``.

    Raises:
        InvalidConfigurationError: when a name is unknown, a format has another width, or choices exclude each other.
    """

    pruning_method: str = "taylor"
    pruning_scope: str = "per_layer"
    quantizers: str = "bf16|int8|nf4|hqq3g64|hqq2g64"
    initializer: str = "zero"
    adapter: str = "lora"

    def __post_init__(self) -> None:
        """Refuses what no trial could do."""
        for name, choices in (
            ("pruning_method", PRUNING_METHODS),
            ("pruning_scope", PRUNING_SCOPES),
            ("initializer", INITIALIZERS),
            ("adapter", ADAPTERS),
        ):
            if getattr(self, name) not in choices:
                raise _refused(name, getattr(self, name), f"allowed are {', '.join(choices)}")
        names = self.quantizers.split("|")
        known = [FORMATS[name].bits if name in FORMATS else None for name in names]
        if known != list(WIDTHS):
            raise _refused(
                "quantizers", self.quantizers, f"one format for each of {WIDTHS} bits, of {', '.join(FORMATS)}"
            )
        if ADAPTERS[self.adapter].pooled and self.initializer not in ("zero", "gaussian"):
            raise _refused("initializer", self.initializer, "a pooled adapter starts at zero or gaussian")

    def format_of(self, bits: int) -> str:
        """Returns the name of the format that stores a weight at so many bits."""
        return self.quantizers.split("|")[WIDTHS.index(bits)]

    def with_format(self, name: str) -> "Methods":
        """Returns the methods with one width stored in another format.

        Raises:
            InvalidConfigurationError: when there is no such format.
        """
        if name not in FORMATS:
            raise _refused("quantizers", name, f"allowed are {', '.join(FORMATS)}")
        names = self.quantizers.split("|")
        names[WIDTHS.index(FORMATS[name].bits)] = name
        return replace(self, quantizers="|".join(names))

    def with_formats(self, names: Sequence[str]) -> "Methods":
        """Returns the methods with several widths stored in other formats.

        Args:
            names: of formats, one a width at most.

        Raises:
            InvalidConfigurationError: when there is no such format, or two have one width.
        """
        methods, first = self, dict[int, str]()
        for name in names:
            methods = methods.with_format(name)
            other = first.setdefault(FORMATS[name].bits, name)
            if other != name or names.count(name) > 1:
                raise _refused("formats", name, f"{other} is given for {FORMATS[name].bits} bits already")
        return methods

    def to_dict(self) -> dict[str, str]:
        """Returns the methods as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Methods":
        """Returns the methods of plain values.

        Raises:
            InvalidConfigurationError: when it is no mapping, or a key or a value is unknown.
        """
        allowed = tuple(cls.__dataclass_fields__)
        if not isinstance(values, Mapping):
            raise _refused("methods", str(values), f"a mapping with keys of {', '.join(allowed)}")
        for key in values:
            if key not in allowed:
                raise _refused("methods", key, f"a mapping with keys of {', '.join(allowed)}")
        return cls(**{key: str(value) for key, value in values.items()})


DEFAULT_METHODS = Methods()


def _refused(name: str, value: str, allowed: str) -> InvalidConfigurationError:
    place = name if name == "methods" else f"methods.{name}"
    return InvalidConfigurationError(f"{place} is {value!r}", allowed, "choose one of these")
