"""Files and folders are written whole or not at all."""

from pathlib import Path

import pytest

from perfmodel.errors import OutputFolderError
from perfmodel.files.whole_file import arriving, write_whole


def _interrupted(final: Path) -> None:
    with arriving(final) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    final = tmp_path / "file"
    write_whole(final, "before")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(final)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert final.read_text() == "before"


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    final = tmp_path / "folder"
    for name in ("old", "new"):
        with arriving(final) as partial:
            partial.mkdir()
            (partial / name).write_bytes(b"")
    assert [path.name for path in final.iterdir()] == ["new"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".file.partial-1").write_text("half")
    write_whole(tmp_path / "file", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_in_the_way_is_the_users_to_mend(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFolderError):
        write_whole(tmp_path / "file" / "inside", "")
