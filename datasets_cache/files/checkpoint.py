"""A transformers checkpoint on disk: its files, its config and the sha256 of what makes it the model that it is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfmodel.errors import CorruptFileError, ModelNotFoundError
from perfmodel.files.checksum import sha256_of, sha256_of_json
from perfmodel.files.json_file import read_json_object
from perfmodel.files.optional import needs_extra

_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_CONFIG = "config.json"

_WITHOUT_EFFECT = ("_name_or_path", "dtype", "torch_dtype", "transformers_version", "use_cache")
"""Keys of a config that change nothing here: where it came from, and what every trial sets itself."""

_TOKENIZER_FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
"""What transformers reads a tokenizer and its chat template from."""


@dataclass(frozen=True)
class BaseModel:
    """A base model that is on this machine and whose weights have been read once.

    Args:
        name: ``smollm2-135m``, a hub id, or a local folder's own name.
        folder: holds ``config.json``, safetensors weights and (for ``load_tokenizer``) the tokenizer.
        sha256: of what makes it the model that it is, 64 hexadecimal digits; see ``model_sha256``. A packaged model has
            that of its weights, since its other files are compared with the ones recorded when they were made.
        config: the content of ``config.json``.
    """

    name: str
    folder: Path
    sha256: str
    config: dict[str, Any]


def open_checkpoint(folder: Path, name: str) -> BaseModel:
    """Returns the base model in ``folder``; reads all of its files once to hash them.

    Args:
        folder: a checkpoint written by ``save_pretrained``.
        name: the name the base model goes by in traces.

    Raises:
        ModelNotFoundError: ``config.json`` or a weights file is missing.
        CorruptFileError: ``config.json`` is no JSON object, or a weights file is cut short.
    """
    config_file = folder / _CONFIG
    if not config_file.is_file():
        raise _missing(config_file)
    config = read_json_object(config_file)
    return BaseModel(name=name, folder=folder.resolve(), sha256=model_sha256(folder, config), config=config)


def model_sha256(folder: Path, config: Mapping[str, Any]) -> str:
    """Returns the sha256 of what makes a checkpoint the model that it is: weights, config, tokenizer, chat template.

    Args:
        folder: a checkpoint written by ``save_pretrained``.
        config: the content of its ``config.json``; its layout and the keys without effect do not enter.

    Raises:
        ModelNotFoundError: a weights file is missing.
        CorruptFileError: a weights file is cut short, or the list of shards is damaged.
    """
    effective = {key: value for key, value in config.items() if key not in _WITHOUT_EFFECT}
    tokenizer = {name: sha256_of(folder / name) for name in _TOKENIZER_FILES if (folder / name).is_file()}
    return sha256_of_json([weights_sha256(folder), effective, tokenizer])


def weights_sha256(folder: Path) -> str:
    """Returns the sha256 of a checkpoint's weights.

    With one weights file it is that file's own; with shards it is the sha256 over the lines
    ``<shard name> <shard sha256>``, sorted by name. Nothing is remembered between calls: a size and a time
    of change do not prove that a file is whole.

    Args:
        folder: a checkpoint written by ``save_pretrained``.

    Raises:
        ModelNotFoundError: a weights file is missing.
        CorruptFileError: a weights file is cut short, or the list of shards is damaged.
    """
    files = _weights_files(folder)
    for file in files:
        _check_header(file)
    if len(files) == 1:
        return sha256_of(files[0])
    lines = "".join(f"{file.name} {sha256_of(file)}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _weights_files(folder: Path) -> list[Path]:
    """Returns the weights files that transformers would load, sorted by name."""
    single, index = folder / _WEIGHTS, folder / _INDEX
    if single.is_file() or not index.is_file():
        files = [single]
    else:
        shards = read_json_object(index).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise CorruptFileError(f"{index} lists no shards", "it must map tensor names to files", "restore the file")
        names = sorted({str(shard) for shard in shards.values()})
        for name in names:
            if Path(name).name != name:
                raise CorruptFileError(
                    f"{index} names the shard {name!r}", "shards lie in the folder of the index", "restore the file"
                )
        files = [folder / name for name in names]
    for file in files:
        if not file.is_file():
            raise _missing(file)
    return files


def _check_header(file: Path) -> None:
    """Checks that the file is as long as its header says; reads the header only."""
    with needs_extra("collect"):
        from safetensors import SafetensorError, safe_open
    try:
        with safe_open(file, framework="numpy"):
            pass
    except SafetensorError as error:
        raise CorruptFileError(
            f"{file} cannot be read ({error})",
            "it must be a whole safetensors file",
            "delete it and fetch or write the checkpoint anew",
        ) from error


def _missing(file: Path) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"{file.parent} has no {file.name}",
        f"a base model's folder holds config.json, a tokenizer and {_WEIGHTS} (or {_INDEX} with its shards)",
        "write it with save_pretrained of transformers, which writes all of them",
    )
