"""Every notebook runs from top to bottom in its own kernel, draws, and lies beside its copy with outputs."""

import json

import pytest
from with_outputs import FOLDER, executed

NOTEBOOKS = sorted(FOLDER.glob("*.py"))


def test_there_are_notebooks():
    assert {path.stem for path in NOTEBOOKS} == {
        "a_table_of_others",
        "add_your_traces",
        "compare_surrogates",
        "first_look",
        "predictor_in_your_optimiser",
        "train_a_surrogate",
    }


def pictures(outputs):
    return [output for output in outputs if "image/png" in output.get("data", {})]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client.*", "ignore::DeprecationWarning:zmq.*")
@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem != "first_look"], ids=lambda path: path.stem
)  # the first look has a file of its own
def test_it_runs_and_draws(path, tmp_path):
    pytest.importorskip("jupytext")
    pytest.importorskip("nbclient")
    notebook = executed(path, tmp_path)

    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert pictures(shown)
    assert not [output.text for output in shown if output.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_copy_with_outputs_is_of_this_notebook(path):
    """``python tests/notebooks/with_outputs.py`` writes it."""
    jupytext = pytest.importorskip("jupytext")
    cells = json.loads(path.with_suffix(".ipynb").read_text())["cells"]

    assert ["".join(cell["source"]) for cell in cells] == [cell.source for cell in jupytext.read(path).cells]
    assert pictures([output for cell in cells for output in cell.get("outputs", [])])
