"""The way of the embedded model into the cache, with a small wheel and a stand-in for the conversion."""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from datasets_cache import smollm2
from datasets_cache.base_models import BaseModel, resolve
from datasets_cache.wheels import WheelFile
from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError

GGUF_BYTES = b"GGUF of four words"


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch, write_checkpoint: Callable[[Path], Path]) -> list[Path]:
    """Replaces file and conversion by small ones; returns the list of what was converted."""
    wanted = WheelFile("tiny==1.0", "tiny/Model.gguf", hashlib.sha256(GGUF_BYTES).hexdigest())
    monkeypatch.setattr(smollm2, "GGUF", wanted)
    converted: list[Path] = []

    def convert(source: Path, into: Path) -> None:
        assert source.read_bytes() == GGUF_BYTES
        converted.append(source)
        write_checkpoint(into)

    monkeypatch.setattr("datasets_cache.conversion.convert_gguf", convert)
    monkeypatch.setattr("datasets_cache.wheels.pip_download", _no_network)
    return converted


def _no_network(requirement: str, destination: Path) -> list[str]:
    del destination
    return [sys.executable, "-c", f"raise SystemExit('ERROR: no network for {requirement}')"]


def _put_gguf(content: bytes = GGUF_BYTES) -> Path:
    smollm2.folder().mkdir(parents=True)
    path = smollm2.folder() / "Model.gguf"
    path.write_bytes(content)
    return path


def _resolved() -> BaseModel:
    _put_gguf()
    return resolve("smollm2-135m")


def test_a_file_in_the_cache_is_converted_once(conversions: list[Path]) -> None:
    gguf = _put_gguf()
    lines: list[str] = []
    first = resolve("smollm2-135m", progress=lines.append)
    gguf.unlink()
    assert resolve("smollm2-135m", progress=lines.append) == first
    assert first.name == "smollm2-135m"
    assert conversions == [gguf]
    assert len(lines) == 1
    assert "converting" in lines[0]
    origin = json.loads((first.folder / "origin.json").read_text())
    assert origin["schema_version"] == 1
    assert origin["weights_sha256"] == first.sha256


def test_a_corrupt_file_in_the_cache_is_refused(conversions: list[Path]) -> None:
    gguf = _put_gguf(b"something else")
    with pytest.raises(CorruptFileError, match="delete the file"):
        resolve("smollm2-135m")
    assert gguf.exists()
    assert conversions == []


def test_a_changed_weight_is_noticed_at_equal_size_and_time(conversions: list[Path]) -> None:

    weights = _resolved().folder / "model.safetensors"
    before = weights.stat()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(CorruptFileError, match="the recorded one is"):
        resolve("smollm2-135m")
    assert len(conversions) == 1


@pytest.mark.usefixtures("conversions")
def test_a_checkpoint_of_a_newer_version_is_refused() -> None:
    origin = _resolved().folder / "origin.json"
    origin.write_text(json.dumps({**json.loads(origin.read_text()), "schema_version": 2}))
    with pytest.raises(SchemaVersionError, match="upgrade"):
        resolve("smollm2-135m")


@pytest.mark.usefixtures("conversions")
def test_a_checkpoint_without_origin_is_refused() -> None:
    (_resolved().folder / "origin.json").unlink()
    with pytest.raises(CorruptFileError, match=r"has no origin\.json"):
        resolve("smollm2-135m")


@pytest.mark.usefixtures("conversions")
def test_a_failed_conversion_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Path, into: Path) -> None:
        into.mkdir()
        (into / "half").write_text(source.name)
        raise MemoryError

    _put_gguf()
    monkeypatch.setattr("datasets_cache.conversion.convert_gguf", fail)
    with pytest.raises(MemoryError):
        resolve("smollm2-135m")
    assert sorted(path.name for path in smollm2.folder().iterdir()) == [".lock", "Model.gguf"]


@pytest.mark.usefixtures("conversions")
def test_what_a_killed_process_left_is_cleared() -> None:
    _put_gguf()
    stale = smollm2.folder() / ".float32.partial-1"
    stale.mkdir()
    (stale / "half").write_text("")
    resolve("smollm2-135m")
    assert not stale.exists()


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("PERFMODEL_CACHE", str(blocker))
    with pytest.raises(OutputFolderError, match="PERFMODEL_CACHE"):
        resolve("smollm2-135m")
