"""Every data file that comes with the package is recorded, and no change of one stays unseen."""

import shutil

import pytest

from datasets_cache.shelf.shipped_files import FOLDERS, RECORD, check_shipped_files, shipped_files, write_record


@pytest.fixture
def copied(tmp_path):
    """The smallest file of every folder, as folders of their own, and their record."""
    folders = {}
    for name in FOLDERS:
        label, path = min(
            (item for item in shipped_files({name: FOLDERS[name]}).items()), key=lambda item: item[1].stat().st_size
        )
        folders[name] = tmp_path / name
        (tmp_path / label).parent.mkdir(parents=True)
        shutil.copy(path, tmp_path / label)
    write_record(folders, tmp_path / RECORD.name)
    return folders, tmp_path / RECORD.name


def test_what_is_shipped_is_what_is_recorded():
    told = []
    found = check_shipped_files(advance=told.append)

    assert found.problems == (), "after a change that is meant: python -m datasets_cache.shelf.shipped_files"
    assert found.files == len(told) == len(shipped_files())
    assert {name.partition("/")[0] for name in told} == {"predictors", "sensitivities", "shelf", "tables", "tasks"}
    assert "tasks/registry.json" in told


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_flipped_byte_of_any_file_is_found(copied, name, place):
    folders, record = copied
    ((label, path),) = shipped_files({name: folders[name]}).items()
    content = bytearray(path.read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)

    (problem,) = check_shipped_files(folders, record).problems
    assert problem.startswith(f"{label} has sha256 ")


def test_a_flipped_byte_anywhere_in_the_record_is_found(copied):
    folders, record = copied
    content = record.read_bytes()
    for place in range(len(content) - 1):
        record.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert check_shipped_files(folders, record).problems, place


def test_a_file_too_many_or_too_few_is_found(copied):
    folders, record = copied
    (folders["tasks"] / "more.parquet").write_bytes(b"")
    ((label, path),) = shipped_files({"predictors": folders["predictors"]}).items()
    path.unlink()

    assert set(check_shipped_files(folders, record).problems) == {
        f"{label} is missing",
        "tasks/more.parquet is not in shipped_files.sha256",
    }
    record.unlink()
    assert "shipped_files.sha256 is missing or empty" in check_shipped_files(folders, record).problems
