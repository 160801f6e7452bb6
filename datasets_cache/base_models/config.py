"""The ``config.json`` of a base model by file, folder, name or hub id: no weights are read and none are fetched."""

from collections.abc import Callable
from typing import Any

from datasets_cache.base_models.resolve import PACKAGED, resolve
from datasets_cache.files.hub import hub_file, is_hub_id
from perfmodel.errors import ModelNotFoundError, did_you_mean
from perfmodel.files.json_file import read_json_object
from perfmodel.files.possible_path import possible_path
from perfmodel.model.known_models import known_model, known_models

CONFIG = "config.json"


def model_location(spec: str) -> str:
    """Returns where transformers finds the model that ``spec`` names: its folder, or its hub id.

    Args:
        spec: as ``model_config`` takes it.
    """
    if spec in PACKAGED:
        return str(PACKAGED[spec].folder / "float32")
    path = possible_path(spec)
    if spec and path.exists():
        return str((path.parent if path.is_file() else path).resolve())
    known = known_model(spec)
    return spec if known is None else str(known["hub_id"])


def model_config(spec: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Returns the config of the base model that ``spec`` names.

    Args:
        spec: a ``config.json`` or another JSON file, a folder that holds one, a packaged model's name (fetched where it
            is not in the cache yet), the name or hub id of a known model, whose shape is shipped, or another hub id
            ``owner/name``, of which only this file is fetched.
        say: called with one line of text about what is being waited for.

    Raises:
        ModelNotFoundError: nothing goes by that name, or the folder has no config.
        CorruptFileError: the file is no JSON object.
        DownloadError: the hub cannot be reached.
        MissingExtraError: huggingface_hub is not installed.
    """
    if spec in PACKAGED:
        cached = PACKAGED[spec].folder / "float32" / CONFIG
        return read_json_object(cached) if cached.is_file() else resolve(spec, progress=say).config
    path = possible_path(spec)
    if spec and path.is_dir():
        path /= CONFIG
    if spec and path.is_file():
        return read_json_object(path)
    known = known_model(spec)
    if known is not None:
        return dict(known["config"])
    if is_hub_id(spec) and not path.parent.is_dir():
        return read_json_object(hub_file(spec, CONFIG, say))
    names = list(known_models())
    alike = [name for name in names if spec and spec.lower() in name.lower()]
    raise ModelNotFoundError(
        f"there is no config at {spec!r}",
        f"allowed are a config.json, a folder that holds one, {', '.join(PACKAGED)}, a known model "
        f"({', '.join(names)}), or a hub id 'owner/name'",
        did_you_mean(spec, alike or names, "check the spelling and the path", most=3),
    )
