"""Every notebook but the first look, which has a file of its own, runs from top to bottom in its own kernel."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path for path in FOLDER.glob("*.py") if path.stem != "first_look")


def test_there_are_notebooks():
    assert {path.stem for path in NOTEBOOKS} == {
        "add_your_traces",
        "compare_surrogates",
        "predictor_in_your_optimiser",
        "train_a_surrogate",
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client.*", "ignore::DeprecationWarning:zmq.*")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path):
    jupytext, nbclient = pytest.importorskip("jupytext"), pytest.importorskip("nbclient")
    notebook = jupytext.read(path)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=1500, kernel_name="python3", resources=resources).execute()

    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any(output.output_type == "display_data" for output in shown)
    assert not [output.text for output in shown if output.get("name") == "stderr"]
