"""Importances measured once per model, calibration set and method, and kept on disk.

    <cache>/importances/<model>-<calibration>-<method>.safetensors

Both names are the first twelve digits of a sha256; the whole ones stand in the file's metadata with the sha256 of its
scores. A file that is damaged, or that says anything else than what was asked for, is made again. Where the cache
cannot be written, nothing is kept.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from torch import Tensor, nn

from collectors.pruning.calibration_texts import calibration_texts
from collectors.pruning.importances import IMPORTANCES
from collectors.pruning.importances.by_layer import layer_importances
from collectors.pruning.scope import LayerImportance
from datasets_cache.files.cache import cache_folder, locked, make_folder
from perfmodel.errors import OutputFolderError
from perfmodel.files.checksum import sha256_of_json
from perfmodel.files.whole_file import arriving
from perfmodel.model.architecture import Architecture

_LOG = logging.getLogger(__name__)

VERSION = "1"
"""To be raised when a method's scores change, so that older files are not used."""

_PARTS = ("groups", "channels")


def importance_of(
    model: nn.Module,
    architecture: Architecture,
    token_ids: Sequence[Sequence[int]],
    method: str,
    *,
    model_sha256: str,
    seed: int,
) -> dict[int, LayerImportance]:
    """Returns the importance of every group and channel of the prunable layers, from the cache if it is there.

    Args:
        model: float model with the architecture's shapes; it is left as it is.
        architecture: architecture of the unpruned model.
        token_ids: token ids of the calibration texts.
        method: name of the importance method, of ``perfmodel.space.methods.PRUNING_METHODS``.
        model_sha256: sha256 of the model's weights, 64 hexadecimal digits.
        seed: seed of the trial, 0 or more; the scores of a method that reads it are never cached.
    """
    importance = IMPORTANCES[method]

    def measure() -> dict[int, LayerImportance]:
        _LOG.info("preparing: importance of channels and heads by %s", method)
        return layer_importances(importance, model, architecture, token_ids, seed)

    if importance.seeded or not architecture.prunable:
        return measure()
    asked = {
        "version": VERSION,
        "model": model_sha256,
        "calibration": sha256_of_json(calibration_texts(token_ids)),
        "method": method,
    }
    path = cache_folder() / "importances" / f"{asked['model'][:12]}-{asked['calibration'][:12]}-{method}.safetensors"
    try:
        with locked(make_folder(path.parent), _say_nothing):
            found = _read(path, asked, architecture)
            if found is None:
                found = measure()
                with suppress(OSError):  # a full disk costs the next process a measurement, not this one its trial
                    _write(path, asked, found)
            return found
    except OutputFolderError:  # nothing can be kept here
        return measure()


def _write(path: Path, asked: Mapping[str, str], importance: Mapping[int, LayerImportance]) -> None:
    from safetensors.torch import save_file

    tensors = {f"{index}.{part}": getattr(scores, part) for index, scores in importance.items() for part in _PARTS}
    with arriving(path) as partial:
        save_file(tensors, partial, {**asked, "scores": _sha256(tensors)})


def _read(path: Path, asked: Mapping[str, str], architecture: Architecture) -> dict[int, LayerImportance] | None:
    """Returns what the file holds, or ``None`` where it is missing, damaged or of something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError):
        return None
    if metadata != {**asked, "scores": _sha256(tensors)}:
        return None
    return {index: LayerImportance(*(tensors[f"{index}.{part}"] for part in _PARTS)) for index in architecture.prunable}


def _sha256(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


def _say_nothing(line: str) -> None:
    del line
