"""Writes ``docs/choices.md``, every choice of each dimension with its source: ``python -m reports.cli.choices docs``.

The table is made from the code, and so is ``docs/suite.md``, every key of a suite. The same command copies
``docs/concepts.md`` into ``reports/pages/templates``, where an installed package finds it.
"""

import shutil
import sys
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from perfmodel.files.markdown_table import markdown_table
from perfmodel.model.families import FAMILIES
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import (
    ADAPTERS,
    DEFAULT_METHODS,
    INITIALIZERS,
    PRUNING_METHODS,
    PRUNING_SCOPES,
    WIDTHS,
    Adapter,
    Choice,
)
from perfmodel.space.space import DEFAULT_RANKS, DEFAULT_RATES
from reports.cli.suite_keys import suite_page

CONCEPTS = Path(str(files("reports"))) / "pages" / "templates" / "concepts.md"
"""The shipped copy of ``docs/concepts.md``: each concept is a ``## heading`` and one paragraph."""

HEAD = """# What a configuration can vary

This page is made by `make choices`. Bits and ranks are chosen per layer, or per linear module with `space.unit=module`.
Everything else is chosen once for a whole run, under `methods`:

```
bench run default methods.initializer=loftq1 methods.formats=[fp4] fit.shelf=null
```

Defaults are bold. `bench quantizers` prints the bits that each format really stores and the error it leaves on a model.
"""


def choices_page() -> str:
    """Returns the page as Markdown; the default of each dimension is in bold."""
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
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join([HEAD, markdown_table(("dimension", "choice", "what it is", "source"), escaped), ""])


def _rows(
    dimension: str, choices: Mapping[str, Choice] | Mapping[str, Adapter], default: str
) -> Iterable[tuple[str, str, str, str]]:
    for name, choice in choices.items():
        yield dimension, f"**{name}**" if name == default else name, choice.title, choice.source


def _format_rows() -> Iterable[tuple[str, str, str, str]]:
    for width in WIDTHS:
        for name, form in FORMATS.items():
            if form.bits == width:
                shown = f"**{name}**" if name == DEFAULT_METHODS.format_of(width) else name
                yield f"format at {width} bits", shown, form.title, form.source


def main() -> None:
    """Writes all files; the first argument is the folder of the documents."""
    folder = Path(sys.argv[1])
    (folder / "choices.md").write_text(choices_page(), encoding="utf-8")
    (folder / "suite.md").write_text(suite_page(), encoding="utf-8")
    shutil.copyfile(folder / "concepts.md", CONCEPTS)


if __name__ == "__main__":
    main()
