"""The first look runs from top to bottom on the newest release, and says what its values say."""

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="module")
def first_look():
    """The executed notebook."""
    jupytext = pytest.importorskip("jupytext")
    nbclient = pytest.importorskip("nbclient")
    notebook = jupytext.read(NOTEBOOKS / "first_look.py")
    # The kernel runs in a process of its own, to which this project's warnings-are-errors does not reach.
    nbclient.NotebookClient(notebook, timeout=1500, resources={"metadata": {"path": str(NOTEBOOKS.parent)}}).execute()
    return notebook


def texts(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"].get("text/markdown", output["data"].get("text/plain", "")) for output in outputs if "data" in output]  # fmt: skip


def test_first_look_runs_and_draws(first_look):
    outputs = [output for cell in first_look.cells for output in cell.get("outputs", [])]

    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]


def test_first_look_has_three_findings_and_one_thing_that_did_not_show(first_look):
    said = texts(first_look)

    for start in ("1. **What matters most.**", "2. **What quality costs.**", "3. **Accuracy follows loss**", "**What did not show.**"):  # fmt: skip
        (found,) = [text for text in said if text.startswith(start)]
        assert any(character.isdigit() for character in found.removeprefix(start))


def test_first_look_speaks_of_the_newest_release(first_look):
    from datasets_cache.shelf.shelf import load_shelf, newest_shelf

    shelf = load_shelf(newest_shelf())
    assert any(shelf.name in text and f"{len(shelf.traces)} traces" in text for text in texts(first_look))
