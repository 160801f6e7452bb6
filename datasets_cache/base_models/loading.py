"""Brings a base model's weights and tokenizer from its folder into memory, quietly and without the network."""

import logging as levels
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datasets_cache.files.checkpoint import BaseModel
from perfmodel.errors import ModelNotFoundError, UnsupportedModelError
from perfmodel.files.optional import needs_extra

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_model(base: BaseModel, *, dtype: "torch.dtype") -> "PreTrainedModel":
    """Returns the causal language model on the CPU, in eval mode, with ``config.use_cache`` off.

    Args:
        base: the base model, from ``resolve``.
        dtype: of the weights; ``torch.float32`` on a CPU, ``torch.bfloat16`` for a CUDA device.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        UnsupportedModelError: transformers knows no causal language model for this config.
    """
    with needs_extra("collect"):
        from transformers import AutoModelForCausalLM
    with quiet_transformers():
        try:
            model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                str(base.folder), dtype=dtype, local_files_only=True
            )
        except ValueError as error:
            raise UnsupportedModelError(
                f"{base.name} has model_type {base.config.get('model_type')!r} ({_first_line(error)})",
                "it must be a causal language model that the installed transformers knows",
                "choose another base model, or another version of transformers",
            ) from error
    model.config.use_cache = False
    model.train(mode=False)
    return model


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
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(base.folder), local_files_only=True)
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
