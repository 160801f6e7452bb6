"""Which stages are up to date."""

from types import SimpleNamespace

import pytest

from perfmodel.errors import CorruptFileError
from reports.run.manifest import FILE, Manifest
from reports.run.run import Run


@pytest.fixture
def run(tmp_path):
    """A run with a folder and no suite; one stage has written a file."""
    run = Run(SimpleNamespace(), tmp_path, "", print)
    run.write_json("fit/effects.json", {"axes": [1]})
    Manifest(run).record("fit", "inputs")
    return run


def test_a_stage_is_current_on_the_inputs_it_ran_on(run):
    assert Manifest(run).is_current("fit", "inputs")
    assert not Manifest(run).is_current("fit", "other inputs")
    assert not Manifest(run).is_current("search", "inputs")


def test_a_changed_output_is_not_current(run):
    run.write_json("fit/effects.json", {"axes": [2]})

    assert not Manifest(run).is_current("fit", "inputs")


def test_a_missing_output_is_not_current(run):
    (run.folder / "fit" / "effects.json").unlink()

    assert not Manifest(run).is_current("fit", "inputs")


def test_an_output_too_many_is_not_current(run):
    run.write_json("fit/stray.json", {})

    assert not Manifest(run).is_current("fit", "inputs")


def test_what_goes_into_a_stage_changes_with_earlier_outputs_and_with_values(run):
    before = Manifest(run).digest(("fit",), ["space", {"b": 1, "a": 2}])

    assert before == Manifest(run).digest(("fit",), ["space", {"a": 2, "b": 1}])
    assert before != Manifest(run).digest(("fit",), ["space", {"a": 2, "b": 3}])
    run.write_json("fit/effects.json", {"axes": [2]})
    Manifest(run).record("fit", "inputs")
    assert before != Manifest(run).digest(("fit",), ["space", {"b": 1, "a": 2}])


def test_checksums_name_every_output(run):
    run.write_json("search/front.json", [])
    manifest = Manifest(run)
    manifest.record("search", "inputs")

    assert set(manifest.checksums()) == {"fit/effects.json", "search/front.json"}
    assert all(len(digest) == 64 for digest in manifest.checksums().values())


def test_a_damaged_manifest_is_told(run):
    (run.folder / FILE).write_text('{"fit": ')

    with pytest.raises(CorruptFileError, match=f"{run.folder / FILE} cannot be read.*delete it"):
        Manifest(run)
