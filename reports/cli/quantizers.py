"""``bench quantizers``: what every storage format costs and loses on a base model."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from reports.run.progress import bar, say
from reports.run.terminal import output_console

if TYPE_CHECKING:
    from collectors.quantizers.table import QuantizerRow

CAPTION = (
    "bits as stored on a CPU, metadata included; error: what rounding changes, of the weights' norm, on three matrices "
    "of the model and on Gaussian ones like them; refused: a ratio below 0.5"
)

NARROWEST = 130
"""Columns of the table where the output is no terminal."""


def quantizer_rows(model: str) -> "list[QuantizerRow]":
    """Returns the table of a base model, telling the person who waits how far it is.

    Args:
        model: as ``datasets_cache.resolve`` takes it.

    Raises:
        ModelNotFoundError: nothing goes by that name.
        UnsupportedModelError: its architecture is outside the supported families.
    """
    import torch

    from collectors.quantizers import QUANTIZERS
    from collectors.quantizers.fairness import sample_weights
    from collectors.quantizers.table import quantizer_table
    from datasets_cache import load_model, resolve
    from perfmodel.model.architecture import Architecture

    base = resolve(model, progress=say)
    architecture = Architecture.from_config(base.config)
    say(f"loading {base.name}")
    weights = sample_weights(load_model(base, dtype=torch.float32), architecture)
    with bar("formats", len(QUANTIZERS)) as advance:
        return quantizer_table(QUANTIZERS, weights, advance)


def as_json(rows: "Sequence[QuantizerRow]") -> str:
    """Returns the rows as a JSON list."""
    return json.dumps([row.to_dict() for row in rows], indent=2)


def print_table(rows: "Sequence[QuantizerRow]", model: str) -> None:
    """Prints the rows as a table.

    Args:
        rows: of ``quantizer_rows``.
        model: name of the base model.
    """
    table = Table(title=f"Storage formats on {model}", caption=CAPTION)
    for name in ("format", "what it is", "source"):
        table.add_column(name, overflow="fold")
    for name in ("bits/weight", "error", "Gaussian", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for row in rows:
        table.add_row(row.format.name, row.format.title, row.format.source, *_figures(row), row.verdict)
    output_console(NARROWEST).print(table)


def _figures(row: "QuantizerRow") -> tuple[str, str, str, str]:
    if row.errors is None or row.bits_per_weight is None:
        return "-", "-", "-", "-"
    errors = row.errors
    return f"{row.bits_per_weight:.3f}", f"{errors.model:.4f}", f"{errors.gaussian:.4f}", f"{errors.ratio:.3f}"
