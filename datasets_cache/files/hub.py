"""Base models by hub id, fetched by huggingface_hub into its own cache."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from datasets_cache.files.cache import Progress
from datasets_cache.files.checkpoint import BaseModel, open_checkpoint
from perfmodel.errors import DownloadError, ModelNotFoundError
from perfmodel.files.optional import needs_extra

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
HUB_SECONDS = 5
"""How long the hub may take to answer before only its cache is looked at."""

# Weights in pickles (*.bin) are left out on purpose: loading a pickle runs its code.
_WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


def is_hub_id(spec: str) -> bool:
    """Says whether ``spec`` has the form ``owner/name``.

    Args:
        spec: what the user gave as the model.
    """
    return _HUB_ID.fullmatch(spec) is not None


def resolve_hub(hub_id: str, progress: Progress) -> BaseModel:
    """Returns the base model of that hub id, from the hub's own cache or from the network.

    Args:
        hub_id: the model on the hub, as ``owner/name``.
        progress: called with one line of text before the hub is asked.

    Raises:
        ModelNotFoundError: the hub knows no such model or does not let this user see it; or it has no safetensors.
        DownloadError: the hub cannot be reached, or ``HF_HUB_OFFLINE`` is set and the model is not in its cache.
        MissingExtraError: huggingface_hub is not installed.
        CorruptFileError: a fetched file is damaged.
    """
    progress(f"fetching {hub_id} from the hub (files already in its cache are used as they are)")
    folder = _from_hub(
        hub_id, lambda hub, local: hub.snapshot_download(hub_id, allow_patterns=_WANTED, local_files_only=local)
    )
    return open_checkpoint(folder, hub_id)


def hub_file(hub_id: str, name: str, progress: Progress) -> Path:
    """Returns one file of a model on the hub, from the hub's own cache or from the network.

    Args:
        hub_id: the model on the hub, as ``owner/name``.
        name: name of the file, such as ``config.json``.
        progress: called with one line of text before the hub is asked.

    Raises:
        ModelNotFoundError: the hub knows no such model, does not let this user see it, or the model has no such file.
        DownloadError: the hub cannot be reached, or ``HF_HUB_OFFLINE`` is set and the file is not in its cache.
        MissingExtraError: huggingface_hub is not installed.
    """
    progress(f"asking the hub for {name} of {hub_id} (one in its cache is used as it is)")
    return _from_hub(hub_id, lambda hub, local: hub.hf_hub_download(hub_id, name, local_files_only=local))


def _unreachable(hub: Any) -> bool:
    """Returns whether the hub does not answer one request; its client would ask five times more, for half a minute."""
    with suppress(Exception):  # its client raises errors of several unrelated classes
        hub.get_session().head(hub.constants.ENDPOINT, timeout=HUB_SECONDS)
        return False
    return True


def _from_hub(hub_id: str, fetch: Callable[[Any, bool], str]) -> Path:
    """Returns the path that ``fetch`` gets from huggingface_hub, whose errors become this project's.

    ``fetch`` is told whether to look in the hub's cache only.
    """
    with needs_extra("collect"):
        import huggingface_hub
        from huggingface_hub import errors
    try:
        return Path(fetch(huggingface_hub, _unreachable(huggingface_hub)))
    except (errors.HFValidationError, errors.RepositoryNotFoundError) as error:
        raise ModelNotFoundError(
            f"{hub_id} is neither a folder here nor a model that the hub shows you",
            "allowed are existing folders and public hub ids, or private ones with `hf auth login`",
            "check the spelling and your access",
        ) from error
    except Exception as error:
        reason = str(error).strip()[:200]
        # Where it is offline the hub's client says by a subclass that a file is not in the cache.
        if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
            raise ModelNotFoundError(
                f"{hub_id} lacks a file ({reason})", "a model has it", "choose another model"
            ) from error
        # The hub's client raises errors of several unrelated classes here, and they change between versions.
        raise DownloadError(
            f"{hub_id} is no folder here and could not be fetched from the hub ({reason})",
            "the hub must be reachable and HF_HUB_OFFLINE unset, or the model already in the hub's cache",
            "go online, or give the path of a local folder",
        ) from error
