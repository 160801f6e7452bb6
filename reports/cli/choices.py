"""The overview of each dimension's choices, each with its source: ``python -m reports.cli.choices README.md``.

The table stands in the file between two comments; everything in it comes from the code.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from perfmodel.errors import UserError
from perfmodel.model.families import FAMILIES
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import (
    ADAPTERS,
    DEFAULT_METHODS,
    INITIALIZERS,
    PRUNING_METHODS,
    PRUNING_SCOPES,
    WIDTHS,
    Choice,
)
from perfmodel.space.space import DEFAULT_RANKS, DEFAULT_RATES

BEGIN, END = "<!-- choices: made by `make readme` -->", "<!-- end of choices -->"


def choices_table() -> str:
    """Returns the overview as a Markdown table; the default of each dimension is in bold."""
    rows = [
        ("pruning rate", ", ".join(f"{rate:g}" for rate in DEFAULT_RATES), "of the prunable layers' parameters", ""),
        *_rows("pruning importance", PRUNING_METHODS, DEFAULT_METHODS.pruning_method),
        *_rows("pruning scope", PRUNING_SCOPES, DEFAULT_METHODS.pruning_scope),
        *_format_rows(),
        ("rank", ", ".join(map(str, DEFAULT_RANKS)), "per layer or per linear module, 0 for no adapter", ""),
        *_rows("adapter", ADAPTERS, DEFAULT_METHODS.adapter),
        *_rows("start of the adapter", INITIALIZERS, DEFAULT_METHODS.initializer),
        ("model family", ", ".join(FAMILIES), "dense causal language models", ""),
    ]
    lines = ["| dimension | choice | what it is | source |", "|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows])


def with_table(text: str) -> str:
    """Returns a document with the table between its two comments made again.

    Raises:
        UserError: when the comments are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError("the document has no place for the table", f"{BEGIN} and {END}", "add these two lines")
    return f"{before}{BEGIN}\n{choices_table()}\n{END}{after}"


def _rows(dimension: str, choices: Mapping[str, Choice], default: str) -> Iterable[tuple[str, str, str, str]]:
    for name, choice in choices.items():
        yield dimension, f"**{name}**" if name == default else name, choice.title, choice.source


def _format_rows() -> Iterable[tuple[str, str, str, str]]:
    for width in WIDTHS:
        for name, form in FORMATS.items():
            if form.bits == width:
                shown = f"**{name}**" if name == DEFAULT_METHODS.format_of(width) else name
                yield f"format at {width} bits", shown, form.title, form.source


def main() -> None:
    """Writes the table into the document that is named."""
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text()))


if __name__ == "__main__":
    main()
