"""Writes a pruned, mixed-precision, adapted model to a folder, and reads it back with identical logits.

    <folder>/model.json          version, base model, config, shapes, format of every linear module, adapters, checksums
             base.safetensors    what each linear module stores, and every other parameter
             adapter/            the adapters, in PEFT's own files
             tokenizer files

``transformers`` cannot reload layers of different shapes or mixed formats, so the shapes stand beside the weights and
this file's own ``load_model`` builds the model from them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from collectors.adapters import ADAPTERS
from collectors.pruning.prune import decoder_layers, linear_modules, set_head_counts
from collectors.quantizers import QUANTIZERS
from collectors.trial.checkpoint import load_adapter
from collectors.trial.model_builder import COMPUTE_DTYPE, Built
from datasets_cache import BaseModel, load_tokenizer
from datasets_cache.base_models.loading import attention_of
from perfmodel.errors import OutputFolderError, SchemaVersionError
from perfmodel.files.checksum import sha256_of, sha256_of_json
from perfmodel.files.json_file import read_json_object, refusing_damage
from perfmodel.model.architecture import Architecture, LayerShape
from perfmodel.model.supported import dense_architecture
from perfmodel.traces.trace import DeviceClass

SAVED_VERSION = 2
"""Version 1 had no checksum but that of the weights."""

_AGAIN = "export it again"

_RECORD, _BASE, _ADAPTER = "model.json", "base.safetensors", "adapter"


def save_model(
    folder: Path, built: Built, base: BaseModel, details: Mapping[str, Any], chat_template: str | None = None
) -> None:
    """Writes a built model, trained or not.

    Args:
        folder: folder to write; it must be empty or not there.
        built: model from ``ModelBuilder.build``.
        base: unpruned base model that it was built from.
        details: JSON values about where it comes from, stored as they are.
        chat_template: that the tokenizer is saved with; None for its own.

    Raises:
        OutputFolderError: the folder is not empty or cannot be written.
    """
    from safetensors.torch import save_file

    _make_empty(folder)
    model: Any = built.model
    plain = model.get_base_model()
    tensors = _rest(plain, built)
    for name, module in _wrapped(plain, built).items():
        packed = QUANTIZERS[built.formats[name]].pack(module)
        tensors.update({f"{name}::{key}": tensor.cpu().contiguous() for key, tensor in packed.items()})
    try:
        save_file(tensors, folder / _BASE)
        save_adapter(model, base, folder / _ADAPTER)
        tokenizer = load_tokenizer(base)
        tokenizer.chat_template = chat_template or tokenizer.chat_template
        tokenizer.save_pretrained(str(folder))
        record = {
            "version": SAVED_VERSION,
            "base_model": base.name,
            "base_sha256": base.sha256,
            "config": base.config,
            "layers": [asdict(layer) for layer in built.architecture.layers],
            "formats": dict(built.formats),
            "adapter": built.adapter,
            "ranks": dict(built.ranks),
            "alphas": dict(built.alphas),
            "files": {
                path.relative_to(folder).as_posix(): sha256_of(path)
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            },
            "details": dict(details),
        }
        (folder / _RECORD).write_text(json.dumps({**record, "sha256": sha256_of_json(record)}, indent=1))
    except OSError as error:
        raise OutputFolderError(
            f"{folder} cannot be written ({error.strerror})", "a writable folder", "choose another folder"
        ) from error


def save_adapter(model: Any, base: BaseModel, folder: Path) -> None:
    """Writes the adapters of a model in PEFT's own files, which name the base and no place on this machine.

    Args:
        model: wrapped by PEFT.
        base: unpruned base model.
        folder: folder to write.
    """
    model.peft_config["default"].base_model_name_or_path = base.name
    model.save_pretrained(str(folder), save_embedding_layers=False)  # else PEFT asks the hub about the base


def load_model(folder: Path, device_class: DeviceClass) -> nn.Module:
    """Returns the model that ``save_model`` wrote, wrapped by PEFT, in eval mode.

    Args:
        folder: folder that ``save_model`` wrote.
        device_class: ``cpu`` or ``cuda``, where the model will run.

    Raises:
        CorruptFileError: a file is missing or damaged.
        SchemaVersionError: a newer version wrote it.
    """
    from safetensors.torch import load_file

    record = read_saved(folder)
    device, dtype = torch.device(device_class), COMPUTE_DTYPE[device_class]
    with refusing_damage(f"the saved model {folder}", _AGAIN):
        architecture = dense_architecture(record["config"])
        architecture = replace(architecture, layers=tuple(LayerShape(**layer) for layer in record["layers"]))
        stored = load_file(folder / _BASE)
        model = _empty_model(record["config"], dtype)
        _fill(model, architecture, record["formats"], stored, device, dtype)
        adapter = ADAPTERS[record["adapter"]]
        adapted = adapter.attach(model, record["ranks"], record["alphas"], dropout=0.0, peft_start=True)
        load_adapter(folder / _ADAPTER / "adapter_model.safetensors", adapted)
        return adapted.eval()


def _wrapped(plain: nn.Module, built: Built) -> dict[str, nn.Module]:
    """Returns the stored module of every place, below PEFT's layer where there is one."""
    found = {name: plain.get_submodule(name) for name in built.formats}
    return {name: getattr(module, "base_layer", module) for name, module in found.items()}


def _rest(plain: nn.Module, built: Built) -> dict[str, Tensor]:
    """Returns every parameter outside the linear modules, one name for those that are tied."""
    stored = {id(parameter) for module in _wrapped(plain, built).values() for parameter in module.parameters()}
    return {
        name: parameter.detach().cpu().contiguous()
        for name, parameter in plain.named_parameters()
        if id(parameter) not in stored and not parameter.requires_grad
    }


def _empty_model(config: Mapping[str, Any], dtype: torch.dtype) -> nn.Module:
    """Returns a model of the unpruned shapes, the values of its parameters still to come."""
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.initialization import no_init_weights

    values = {key: value for key, value in config.items() if key != "model_type"}
    settings = AutoConfig.for_model(str(config["model_type"]), **values)
    settings._attn_implementation = attention_of(config)  # the folder's config does not choose the code that runs
    with no_init_weights():
        model: nn.Module = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]  # transformers' signature
            settings, dtype=dtype, trust_remote_code=False
        )
    model.tie_weights()  # type: ignore[operator]  # skipped with the values
    model.config.use_cache = False  # type: ignore[union-attr]  # every model of transformers has a config
    return model.requires_grad_(requires_grad=False)


def _fill(
    model: nn.Module,
    architecture: Architecture,
    formats: Mapping[str, str],
    stored: dict[str, Tensor],
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    parts: dict[str, dict[str, Tensor]] = {}
    for key in [key for key in stored if "::" in key]:
        name, _, part = key.partition("::")
        parts.setdefault(name, {})[part] = stored.pop(key)
    names = {id(module): name for name, module in model.named_modules()}
    expected: dict[tuple[str, tuple[int, int]], dict[str, tuple[object, ...]]] = {}
    for index, layer in enumerate(decoder_layers(model)):
        shapes = architecture.module_shapes(index)
        for module, (parent, attribute) in linear_modules(layer, architecture).items():
            name = f"{names[id(parent)]}.{attribute}"
            kind, shape = QUANTIZERS[formats[name]], shapes[module]
            if (formats[name], shape) not in expected:
                example = torch.arange(shape[0] * shape[1], dtype=torch.float32).remainder(7).reshape(shape)
                expected[formats[name], shape] = _forms(kind.encode(example, dtype))
            # A library that is given too few scales reads beyond them.
            if _forms(parts[name], without="bias") != expected[formats[name], shape]:
                raise ValueError(f"the tensors of {name} are not those of {formats[name]}")
            setattr(parent, attribute, kind.unpack(parts[name], shape, dtype, device))
        set_head_counts(layer, architecture, index)
    own = dict(model.named_parameters())
    for name, value in stored.items():
        if value.shape != own[name].shape:
            raise ValueError(f"{name} has the shape {tuple(value.shape)} and not {tuple(own[name].shape)}")
        own[name].data = value.to(device)
    for module_part in model.modules():
        for name, buffer in module_part.named_buffers(recurse=False):
            setattr(module_part, name, buffer.to(device))


def _forms(tensors: Mapping[str, Tensor], without: str = "") -> dict[str, tuple[object, ...]]:
    """Returns type and shape of each tensor by its name."""
    return {name: (value.dtype, *value.shape) for name, value in tensors.items() if name != without}


def read_saved(folder: Path) -> dict[str, Any]:
    """Returns the content of a saved model's ``model.json``, after every file beside it has been checked.

    Args:
        folder: folder that ``save_model`` wrote.

    Raises:
        CorruptFileError: a file is missing or damaged.
        SchemaVersionError: a newer version wrote it.
    """
    with refusing_damage(f"the saved model {folder}", _AGAIN):
        record = read_json_object(folder / _RECORD, _AGAIN)
        version, digest = int(record["version"]), record.pop("sha256")
        if version > SAVED_VERSION:
            raise SchemaVersionError(
                f"the model in {folder} has version {version}", f"known are up to {SAVED_VERSION}", "upgrade perfmodel"
            )
        if version > 1 and sha256_of_json(record) != digest:
            raise ValueError(f"{_RECORD} is not the file that was written")
        for name, recorded in (record["files"] if version > 1 else {_BASE: digest}).items():
            if sha256_of(folder / name) != recorded:
                raise ValueError(f"{name} is not the file that was written")
        return record


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise OutputFolderError(
            f"{folder} cannot be made ({error.strerror})", "a writable folder", "choose another folder"
        ) from error
    if occupied:
        raise OutputFolderError(f"{folder} is not empty", "an empty or new folder", "choose another folder")
