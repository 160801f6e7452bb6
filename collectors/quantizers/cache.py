"""Quantised modules of a base model, made once: kept in memory and in the cache's folder ``quantized``.

What pruning leaves of them is cut from them where the format allows it.
"""

import hashlib
import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from collectors.pruning.prune import PrunedLinear
from collectors.quantizers import AbstractQuantizer, linear_of
from datasets_cache.files.cache import cache_folder, locked, make_folder
from perfmodel.errors import OutputFolderError
from perfmodel.files.whole_file import arriving

_LOG = logging.getLogger(__name__)

PACKING_VERSION = "1"
"""Of the packed tensors; to be raised when a quantiser packs differently."""

MADE_BY = ("bitsandbytes", "hqq")
"""Libraries whose versions decide the packed tensors."""

CAST_BITS = 16
"""A width that is made faster than it is read, and is not kept."""


class QuantizedLibrary:
    """Gives the frozen modules of a base model, each quantised once.

    Packed tensors are kept in host memory, so that on CUDA nothing but the trial's own model lies on the device; on a
    CPU every module of a place shares them. Files are whole or not there, and one that is damaged is made again. Where
    the folder cannot be written, that is said once and memory alone is used.

    Args:
        model_sha256: sha256 of the base model's weights, 64 hexadecimal digits.
        compute_dtype: type of activations.
        device: device on which modules are quantised and put.
        folder: folder of the files; None takes the cache's own.
    """

    def __init__(
        self,
        model_sha256: str,
        compute_dtype: torch.dtype,
        device: torch.device,
        folder: Path | None = None,
    ) -> None:
        self._dtype = compute_dtype
        self._device = device
        self._folder = (folder or cache_folder() / "quantized") / model_sha256[:12]
        self._writable = True
        self._made_by = {"packing": PACKING_VERSION, **{name: version(name) for name in MADE_BY}}
        self._told: set[str] = set()
        self._memory: dict[tuple[str, str, tuple[int, int]], dict[str, Tensor]] = {}

    def get(self, name: str, linear: nn.Linear, quantizer: AbstractQuantizer) -> nn.Module:
        """Returns the frozen quantised module of a linear module of the base, on the device.

        Args:
            name: index of its layer and its name, as in ``3.up_proj``.
            linear: float module of the unpruned base; it is left as it is.
            quantizer: quantiser of any format.

        Raises:
            InvalidConfigurationError: when the format cannot hold the shape.
        """
        if quantizer.format.bits == CAST_BITS:
            return self._quantize(linear, quantizer)
        return quantizer.unpack(self._tensors(name, linear, quantizer), _shape(linear), self._dtype, self._device)

    def cut(self, name: str, linear: PrunedLinear, quantizer: AbstractQuantizer) -> nn.Module | None:
        """Returns the frozen module of a pruned module, cut from the whole one; None where it must be quantised anew.

        Args:
            name: index of its layer and its name, as in ``3.up_proj``.
            linear: float module after pruning.
            quantizer: quantiser of any format.

        Raises:
            InvalidConfigurationError: when the format cannot hold the shape.
        """
        quantizer.format.check_shape(*_shape(linear))
        whole = linear.cut.whole
        tensors = quantizer.cut(
            lambda: self._tensors(name, whole, quantizer), _shape(whole), linear.cut.rows, linear.cut.columns
        )
        if tensors is None:
            return None
        return quantizer.unpack(tensors, _shape(linear), self._dtype, self._device)

    def _tensors(self, name: str, linear: nn.Linear, quantizer: AbstractQuantizer) -> dict[str, Tensor]:
        """Returns the packed tensors of a place, in host memory."""
        key = (quantizer.format.name, name, _shape(linear))
        if key not in self._memory:
            self._memory[key] = self._read_or_make(name, linear, quantizer)
        return self._memory[key]

    def _quantize(self, linear: nn.Linear, quantizer: AbstractQuantizer) -> nn.Module:
        # ``linear.to`` would move the base model itself.
        bias = None if linear.bias is None else linear.bias.to(self._device)
        return quantizer.quantize(linear_of(linear.weight.to(self._device), bias), self._dtype)

    def _read_or_make(self, name: str, linear: nn.Linear, quantizer: AbstractQuantizer) -> dict[str, Tensor]:
        # A CPU and a GPU round the last digit of HQQ's zeros differently.
        kind = f"{quantizer.format.name}-{str(self._dtype).removeprefix('torch.')}-{self._device.type}"
        path = self._folder / kind / f"{name}.safetensors"
        made_by = {**self._made_by, "shape": f"{linear.out_features} x {linear.in_features}"}
        found = self._read(path, made_by)
        if found is None:
            if kind not in self._told:
                self._told.add(kind)
                _LOG.info("preparing: modules in %s, kept in the cache for later trials", quantizer.format.name)
            module = self._quantize(linear, quantizer)
            found = {key: tensor.cpu().contiguous() for key, tensor in quantizer.pack(module).items()}
            self._write(path, found, made_by)
        return found

    def _read(self, path: Path, made_by: Mapping[str, str]) -> dict[str, Tensor] | None:
        """Returns the tensors of a file, or None when it is missing, damaged or made by other versions."""
        try:
            with safe_open(path, "pt") as file:
                found = dict(file.metadata() or {})
                # Cloned: a view of the file's pages would be counted as the whole file, and change with it.
                tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118 - no mapping
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None  # what cannot be written either is said when it is written
        except (OSError, SafetensorError):
            _LOG.warning("%s cannot be read and is made again", path)
            return None
        digest = found.pop("sha256", None)
        if found != made_by:
            return None
        if digest != _digest(tensors):
            _LOG.warning("%s is damaged and is made again", path)
            return None
        return tensors

    def _write(self, path: Path, tensors: dict[str, Tensor], made_by: Mapping[str, str]) -> None:
        if not self._writable:
            return
        content = safetensors.torch.save(tensors, {**made_by, "sha256": _digest(tensors)})
        try:
            with locked(make_folder(path.parent), progress=lambda _: None), arriving(path) as partial:
                partial.write_bytes(content)
        except (OSError, OutputFolderError) as error:
            self._writable = False
            _LOG.warning("quantised modules are kept in memory only: %s cannot be written (%s)", path.parent, error)


def _shape(linear: nn.Linear) -> tuple[int, int]:
    return linear.out_features, linear.in_features


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """Returns the sha256 of names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
