"""Every format a linear weight can be stored in: its width, its bytes in closed form, and the error it leaves."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from perfmodel.errors import InvalidConfigurationError

BLOCK = 64
"""Weights that share a scale in NF4 and FP4. Source: QLoRA, arXiv 2305.14314."""

STATISTICS_BLOCK = 256
"""Scales that share a second scale in double quantisation. Source: QLoRA, arXiv 2305.14314."""

TABLE_4BIT = 16 * 4
"""Bytes of the sixteen float32 levels that bitsandbytes keeps with every 4-bit matrix."""

TABLE_8BIT = 256 * 4
"""Bytes of the float32 levels that it keeps with every matrix whose scales are stored in 8 bits."""

HQQ_PER_WORD = {2: (4, 1), 3: (10, 4), 4: (2, 1), 8: (1, 1)}
"""Values that HQQ packs into one word, and the bytes of that word, by bits."""


class AbstractLayout(ABC):
    """How weights and what belongs to them lie in memory."""

    @property
    def unit(self) -> int:
        """Every matrix must hold a multiple of so many weights."""
        return 1

    @abstractmethod
    def stored_bytes(self, rows: int, columns: int, compute_bytes: int) -> int:
        """Returns the bytes of one matrix; see ``Format.stored_bytes``."""


@final
@dataclass(frozen=True)
class Bfloat16Layout(AbstractLayout):
    """Two bytes a weight."""

    def stored_bytes(self, rows: int, columns: int, compute_bytes: int) -> int:  # noqa: ARG002 - part of the contract
        """Returns the bytes of one matrix."""
        return 2 * rows * columns


@final
@dataclass(frozen=True)
class RowScaledLayout(AbstractLayout):
    """A byte a weight, and a float32 scale a row."""

    def stored_bytes(self, rows: int, columns: int, compute_bytes: int) -> int:  # noqa: ARG002 - part of the contract
        """Returns the bytes of one matrix."""
        return rows * columns + 4 * rows


@final
@dataclass(frozen=True)
class BlockScaledLayout(AbstractLayout):
    """Half a byte a weight, a scale a block of 64, and the table of levels.

    Args:
        double: scales are stored in 8 bits, with a float32 scale per 256 of them, their mean and their own table.
    """

    double: bool

    def stored_bytes(self, rows: int, columns: int, compute_bytes: int) -> int:  # noqa: ARG002 - part of the contract
        """Returns the bytes of one matrix."""
        weights = rows * columns
        blocks = -(-weights // BLOCK)
        scales = blocks + 4 * -(-blocks // STATISTICS_BLOCK) + 4 + TABLE_8BIT if self.double else 4 * blocks
        return -(-weights // 2) + scales + TABLE_4BIT


@final
@dataclass(frozen=True)
class GroupedLayout(AbstractLayout):
    """HQQ's groups of weights along a row, each with a scale and a zero in the compute type.

    Values lie in columns of groups: word ``i`` holds one value of each of several groups. Three-bit values lie ten in
    a 32-bit word, padded with empty groups; at 2 and 4 bits the library does not pad, so groups must fill their bytes
    (it packs an odd number of 4-bit groups wrongly, and fails only when they are read).

    Args:
        bits: bits of a weight: 8, 4, 3 or 2.
        group: number of weights of a group.

    Source: Badri and Shaji 2023, "Half-Quadratic Quantization of Large Machine Learning Models"; hqq 0.2.8.
    """

    bits: int
    group: int

    @property
    def unit(self) -> int:
        """Weights of the groups that share a column of bytes."""
        return self.group * (1 if self.bits == 3 else HQQ_PER_WORD[self.bits][0])

    def stored_bytes(self, rows: int, columns: int, compute_bytes: int) -> int:
        """Returns the bytes of one matrix."""
        groups = rows * columns // self.group
        values, word = HQQ_PER_WORD[self.bits]
        return -(-groups // values) * self.group * word + 2 * compute_bytes * groups


@final
@dataclass(frozen=True)
class Format:
    """One way to store a linear weight.

    Args:
        name: name of the format, its key in ``FORMATS``.
        bits: the width it belongs to: 16, 8, 4, 3 or 2.
        title: what it is, in a few words.
        source: the paper that describes it, or the library.
        layout: how it lies in memory.
        relative_error: norm of what rounding changes over the weight's own, on SmolLM2-135M.
        gaussian_error: the same norm over the weight's own, on Gaussian matrices of that shape and scale.
    """

    name: str
    bits: int
    title: str
    source: str
    layout: AbstractLayout
    relative_error: float
    gaussian_error: float

    def check_shape(self, rows: int, columns: int) -> None:
        """Refuses a matrix that the format cannot hold.

        Args:
            rows: output features of the matrix, 1 or more.
            columns: input features of the matrix, 1 or more.

        Raises:
            InvalidConfigurationError: when its weights do not fill whole groups.
        """
        if rows * columns % self.layout.unit:
            raise InvalidConfigurationError(
                f"{self.name} ({self.title}) cannot store a matrix of {rows} x {columns}",
                f"rows x columns must be a multiple of {self.layout.unit}, so that whole groups fill whole bytes",
                "choose a smaller group, another format or another pruning rate",
            )

    def stored_bytes(self, rows: int, columns: int, compute_bytes: int) -> int:
        """Returns the bytes of one linear weight as stored, its metadata included and its bias not.

        Args:
            rows: output features of the matrix, 1 or more.
            columns: input features of the matrix, 1 or more.
            compute_bytes: bytes of a compute value: 4 on a CPU, 2 on CUDA.

        Raises:
            InvalidConfigurationError: when the format cannot hold the shape.
        """
        self.check_shape(rows, columns)
        return self.layout.stored_bytes(rows, columns, compute_bytes)


_LLM_INT8 = "LLM.int8(), arXiv 2208.07339"
_QLORA = "QLoRA, arXiv 2305.14314"
_HQQ = "HQQ, Badri and Shaji 2023"


def _hqq(bits: int, group: int, relative_error: float, gaussian_error: float) -> Format:
    title = f"HQQ, {bits} bits, groups of {group}"
    return Format(f"hqq{bits}g{group}", bits, title, _HQQ, GroupedLayout(bits, group), relative_error, gaussian_error)


FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format("bf16", 16, "bfloat16", "torch", Bfloat16Layout(), 0.0013, 0.00166),
        Format("int8", 8, "int8, a scale per row", _LLM_INT8, RowScaledLayout(), 0.009, 0.00774),
        _hqq(8, 32, 1.6e-7, 0.00435),
        _hqq(8, 64, 0.00456, 0.00507),
        _hqq(8, 128, 0.00578, 0.00571),
        Format("nf4", 4, "NF4, a scale per 64", _QLORA, BlockScaledLayout(double=False), 0.094, 0.092),
        Format("nf4dq", 4, "NF4, 8-bit scales", _QLORA, BlockScaledLayout(double=True), 0.0944, 0.092),
        Format("fp4", 4, "FP4, a scale per 64", _QLORA, BlockScaledLayout(double=False), 0.128, 0.122),
        _hqq(4, 32, 0.00188, 0.0757),
        _hqq(4, 64, 0.0755, 0.0872),
        _hqq(4, 128, 0.0996, 0.0977),
        _hqq(3, 32, 0.158, 0.159),
        _hqq(3, 64, 0.19, 0.185),
        _hqq(3, 128, 0.224, 0.208),
        _hqq(2, 32, 0.388, 0.371),
        _hqq(2, 64, 0.45, 0.431),
        _hqq(2, 128, 0.523, 0.485),
    )
}
"""By name, widest first.

Errors are means over three matrices with scales and zeros in float32, ``benchmarks/quantizer_error.py``; in bfloat16,
as on CUDA, those of HQQ's 8 bits are some 1.4 times as large and all others the same within a hundredth.
"""
