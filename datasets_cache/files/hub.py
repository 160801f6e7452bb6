"""Base models by hub id, fetched by huggingface_hub into its own cache."""

import re
from pathlib import Path

from datasets_cache.files.cache import Progress
from datasets_cache.files.checkpoint import BaseModel, open_checkpoint
from perfmodel.errors import DownloadError, ModelNotFoundError
from perfmodel.files.optional import needs_extra

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Weights in pickles (*.bin) are left out on purpose: loading a pickle runs its code.
_WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


def is_hub_id(spec: str) -> bool:
    """Says whether ``spec`` has the form ``owner/name``."""
    return _HUB_ID.fullmatch(spec) is not None


def resolve_hub(hub_id: str, progress: Progress) -> BaseModel:
    """Returns the base model of that hub id, from the hub's own cache or from the network.

    Args:
        hub_id: ``owner/name``.
        progress: told what is being waited for.

    Raises:
        ModelNotFoundError: the hub knows no such model or does not let this user see it; or it has no safetensors.
        DownloadError: the hub cannot be reached, or ``HF_HUB_OFFLINE`` is set and the model is not in its cache.
        MissingExtraError: huggingface_hub is not installed.
        CorruptFileError: a fetched file is damaged.
    """
    with needs_extra("collect"):
        import huggingface_hub
        from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
    progress(f"fetching {hub_id} from the hub (files already in its cache are used as they are)")
    try:
        folder = huggingface_hub.snapshot_download(hub_id, allow_patterns=_WANTED)
    except (HFValidationError, RepositoryNotFoundError) as error:
        raise ModelNotFoundError(
            f"{hub_id} is neither a folder here nor a model that the hub shows you",
            "allowed are existing folders and public hub ids, or private ones with `hf auth login`",
            "check the spelling and your access",
        ) from error
    except Exception as error:
        # The hub's client raises errors of several unrelated classes here, and they change between versions.
        raise DownloadError(
            f"{hub_id} is no folder here and could not be fetched from the hub ({str(error).strip()[:200]})",
            "the hub must be reachable and HF_HUB_OFFLINE unset, or the model already in the hub's cache",
            "go online, or give the path of a local folder",
        ) from error
    return open_checkpoint(Path(folder), hub_id)
