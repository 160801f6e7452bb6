"""A release is all of its files with their checksums, and made anew it keeps the bytes of its traces."""

from dataclasses import replace

import pytest
from first_traces import first_traces

from datasets_cache.release import release
from datasets_cache.shelf.registry import read_registry
from datasets_cache.shelf.shelf import load_shelf
from datasets_cache.shelf.verify import verify
from perfmodel.errors import CorruptFileError
from perfmodel.traces.store import TraceStore

NAME = "small-v2"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty shelf with notes, where no tokenizer is needed."""
    monkeypatch.setattr("datasets_cache.shelf.shelf.SHELF_DATA", tmp_path)
    monkeypatch.setattr(release, "question_blind", lambda trace: (1.5, 0.1))
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / f"{NAME}.notes.md").write_text("How they were made.")
    return tmp_path


@pytest.fixture
def store(tmp_path):
    """Eight real traces twice over, and one of a task that is not shipped."""
    traces = first_traces(73, "chain_sum")[:8]
    setting = replace(traces[0].asked.setting, task="my own")
    path = tmp_path / "stores" / "a.sqlite"
    with TraceStore.writer(path) as writer:
        for trace in (*traces, replace(traces[0], asked=replace(traces[0].asked, setting=setting, seed=99))):
            writer.add(trace)
    return path


def test_a_release_is_whole_and_stays_as_it_is(store, shelf):
    path = release.write_release(NAME, [store, store], shelf)
    content, registry = path.read_bytes(), read_registry(shelf / NAME)
    found = verify(NAME)

    assert (found.traces, found.checksums, found.problems) == (8, 7, ())
    assert {file.removeprefix(NAME) for file in registry} == {
        ".parquet", ".parquet.sha256", ".rows.txt", ".md", ".notes.md", ".croissant.json", ".coverage.png",
    }  # fmt: skip
    assert "How they were made." in load_shelf(NAME).card

    (shelf / NAME / f"{NAME}.notes.md").write_text("How they were really made.")
    assert release.write_release(NAME, [], shelf).read_bytes() == content
    assert verify(NAME).problems == () and "really made" in load_shelf(NAME).card
    assert read_registry(shelf / NAME)[f"{NAME}.parquet"] == registry[f"{NAME}.parquet"]


def test_a_release_without_notes_or_traces_is_refused(store, shelf, capsys):
    with pytest.raises(CorruptFileError, match="other-v1"):
        release.write_release("other-v1", [store], shelf)
    with pytest.raises(CorruptFileError, match="there is no file"):
        release.write_release(NAME, [], shelf)
    assert release.main(["other-v1", str(store)]) == 2
    assert "notes that say how the traces were made" in capsys.readouterr().err
