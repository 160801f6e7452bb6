"""State files: round trip, and every way in which they are refused."""

import json

import pytest

from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError
from perfmodel.files.state_file import read_state, write_state


def test_floats_come_back_exactly(tmp_path):
    body = {"value": 0.1 + 0.2, "tiny": 5e-324, "list": [1, 2.5]}
    write_state(tmp_path / "a" / "s.json", "thing", 1, body)
    assert read_state(tmp_path / "a" / "s.json", "thing", 1) == body


@pytest.mark.parametrize(
    "change", [{"kind": "other"}, {"body": {"value": 2}}, {"version": "one"}, {"body": [1]}, {"sha256": "0"}]
)
def test_changed_files_are_refused(tmp_path, change):
    path = tmp_path / "s.json"
    write_state(path, "thing", 1, {"value": 1})
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CorruptFileError):
        read_state(path, "thing", 1)


def test_a_newer_version_says_upgrade(tmp_path):
    write_state(tmp_path / "s.json", "thing", 2, {})
    with pytest.raises(SchemaVersionError, match="version 2"):
        read_state(tmp_path / "s.json", "thing", 1)


def test_a_missing_file_and_a_blocked_folder(tmp_path):
    with pytest.raises(CorruptFileError):
        read_state(tmp_path / "none.json", "thing", 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFolderError, match="another folder"):
        write_state(tmp_path / "file" / "s.json", "thing", 1, {})


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_state(tmp_path / "s.json", "thing", 1, {"value": float("nan")})
