"""Runs notebooks and writes each with its outputs: ``python tests/notebooks/with_outputs.py [NAME ...]``, all by default."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FOLDER = Path(__file__).parents[2] / "notebooks"


def executed(path: Path, folder: Path) -> Any:
    """Returns a notebook with its outputs, run in a kernel of its own.

    Args:
        path: of the notebook as a Python file of cells.
        folder: that it runs in.
    """
    import jupytext
    import nbclient

    notebook = jupytext.read(path)
    resources = {"metadata": {"path": str(folder)}}
    # The kernel runs in a process of its own, to which this project's warnings-are-errors does not reach.
    nbclient.NotebookClient(notebook, timeout=1500, kernel_name="python3", resources=resources).execute()
    return notebook


def main() -> None:
    """Writes ``NAME.ipynb`` beside each ``NAME.py``."""
    import nbformat

    for path in sorted(FOLDER.glob("*.py")):
        if path.stem in sys.argv[1:] or not sys.argv[1:]:
            with TemporaryDirectory() as folder:
                notebook = executed(path, Path(folder))
            for number, cell in enumerate(notebook.cells):
                cell["id"] = str(number)
                cell["metadata"].pop("execution", None)
            nbformat.write(notebook, path.with_suffix(".ipynb"))
            print(path.with_suffix(".ipynb"), flush=True)


if __name__ == "__main__":
    main()
