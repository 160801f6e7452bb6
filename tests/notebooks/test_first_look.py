"""The first look runs from top to bottom on the newest release, and says what its values say."""

import pytest
from with_outputs import FOLDER, executed


@pytest.fixture(scope="module")
def first_look():
    """The executed notebook."""
    pytest.importorskip("jupytext")
    pytest.importorskip("nbclient")
    return executed(FOLDER / "first_look.py", FOLDER.parent)


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
