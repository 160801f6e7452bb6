"""What cannot be a path is nowhere, and asking for it is no error."""

from pathlib import Path

import pytest

from perfmodel.files.possible_path import possible_path


def test_a_path_is_itself_with_its_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert possible_path(str(tmp_path)) == tmp_path
    assert possible_path("~/models") == tmp_path / "models"
    assert possible_path("nothing/here") == Path("nothing/here")


@pytest.mark.parametrize("text", ["é" * 5000, "a\0b", "~no-such-user/models"])
def test_other_texts_are_nowhere(text):
    path = possible_path(text)
    assert not path.exists() and not path.is_dir() and not path.is_file()
