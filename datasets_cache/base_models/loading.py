"""Loads a base model's weights and tokenizer, quietly, offline, and without running code from its folder."""

import logging as levels
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from datasets_cache.files.checkpoint import BaseModel
from perfmodel.errors import CorruptFileError, ModelNotFoundError, UnsupportedModelError
from perfmodel.files.optional import needs_extra

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


ATTENTION = {"gemma2": "eager"}
"""The attention of families whose models offer no ``sdpa``, which all others are loaded with."""

SHOWN = 3
"""How many names of tensors a message shows."""


def attention_of(config: Mapping[str, Any]) -> str:
    """Returns the attention that a model is loaded with, whatever attention or kernel its config names.

    Args:
        config: content of ``config.json``.
    """
    return ATTENTION.get(str(config.get("model_type")), "sdpa")


def load_model(base: BaseModel, *, dtype: "torch.dtype") -> "PreTrainedModel":
    """Returns the causal language model on the CPU, in eval mode, with ``config.use_cache`` and all dropout off.

    Dropout of the base model is off because only its adapters are trained; they have the recipe's.

    Args:
        base: base model from ``resolve``.
        dtype: type of the weights; ``torch.float32`` on a CPU, ``torch.bfloat16`` for a CUDA device.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        UnsupportedModelError: transformers knows no causal language model for this config, or the weights are stored
            quantised or beside adapters.
        CorruptFileError: the names or shapes of the stored tensors are not the model's.
    """
    model = _loaded(base, dtype=dtype)
    model.config.use_cache = False
    model.train(mode=False)
    return model


def model_without_memory(base: BaseModel) -> "PreTrainedModel":
    """Returns the model on the meta device; refuses one whose stored tensors are not its config's.

    The files' headers are read, no weights.

    Args:
        base: base model from ``resolve``.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        UnsupportedModelError: as in ``load_model``.
        CorruptFileError: as in ``load_model``.
    """
    return _loaded(base, device_map="meta")


def _loaded(base: BaseModel, **where: Any) -> "PreTrainedModel":
    """Returns the model after every stored tensor has found its place, and every place its tensor."""
    _require_plain_weights(base)
    with needs_extra("collect"):
        from transformers import AutoConfig, AutoModelForCausalLM
    offline: Any = {"local_files_only": True, "trust_remote_code": False}
    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(str(base.folder), **offline, **_without_dropout(base.config))
            # Not as an argument of the loader, which would give way to the file.
            config._attn_implementation = attention_of(base.config)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                str(base.folder),
                config=config,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, with names
                **offline,
                **where,
            )
        except ValueError as error:
            raise UnsupportedModelError(
                f"{base.name} has model_type {base.config.get('model_type')!r} ({_first_line(error)})",
                "it must be a causal language model that the installed transformers knows",
                "choose another base model, or another version of transformers",
            ) from error
    model: PreTrainedModel = loaded[0]
    _require_every_tensor(base, loaded[1])
    return model


def _require_plain_weights(base: BaseModel) -> None:
    if base.config.get("quantization_config") is not None:
        raise UnsupportedModelError(
            f"the weights of {base.name} are stored quantised",
            "trials quantise the weights themselves, so they must be stored in 16 or 32 bits",
            "give the model that it was quantised from",
        )
    if (base.folder / "adapter_config.json").is_file():
        raise _adapters(base)


def _require_every_tensor(base: BaseModel, found: dict[str, Any]) -> None:
    """Raises where the stored names or shapes are not the model's; transformers would draw such weights at random."""
    missing, unknown = sorted(found["missing_keys"]), sorted(found["unexpected_keys"])
    if any("lora_" in name for name in unknown):
        raise _adapters(base)
    shapes = [f"{name} {tuple(stored)} for {tuple(own)}" for name, stored, own in sorted(found["mismatched_keys"])]
    faults = {"missing": missing, "not of this model": unknown, "of another shape": shapes}
    told = [f"{len(names)} {fault} ({', '.join(names[:SHOWN])})" for fault, names in faults.items() if names]
    if told:
        raise CorruptFileError(
            f"the tensors stored in {base.folder} do not match its config.json: {'; '.join(told)}",
            "every weight of the model must be stored under its name and in its shape",
            "write the checkpoint anew with save_pretrained of the model",
        )


def _adapters(base: BaseModel) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{base.folder} holds adapters beside or in place of base weights",
        "a base model has no adapters",
        "merge them with merge_and_unload of PEFT, save the result with save_pretrained, and give that folder",
    )


def _without_dropout(config: dict[str, Any]) -> dict[str, float]:
    """Returns every dropout of a config, by its key, as 0."""
    return {
        key: 0.0
        for key, value in config.items()
        if ("dropout" in key or key.endswith("pdrop")) and isinstance(value, int | float)
    }


def load_tokenizer(base: BaseModel) -> "PreTrainedTokenizerBase":
    """Returns the base model's tokenizer.

    Args:
        base: the base model, from ``resolve``.

    Raises:
        MissingExtraError: transformers is not installed.
        ModelNotFoundError: the folder holds no tokenizer that transformers can read.
    """
    with needs_extra("collect"):
        from transformers import AutoTokenizer
    with quiet_transformers():
        try:
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                str(base.folder), local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise ModelNotFoundError(
                f"{base.folder} holds no usable tokenizer ({_first_line(error)})",
                "a base model's folder holds tokenizer.json and tokenizer_config.json beside its weights",
                "write them with save_pretrained of the tokenizer",
            ) from error
    return tokenizer


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silences transformers' bars and warnings in the block, then restores both settings."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(levels.ERROR)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
