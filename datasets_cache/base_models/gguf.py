"""Turns a GGUF file into a float32 checkpoint that transformers loads in under a second."""

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from datasets_cache.base_models.loading import quiet_transformers
from perfmodel.errors import UnsupportedModelError
from perfmodel.files.optional import needs_extra
from perfmodel.model.families import FAMILIES

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def convert_gguf(source: Path, into: Path) -> None:
    """Writes weights, config, chat template and tokenizer of a GGUF file to the folder ``into``.

    Args:
        source: the GGUF file; its quantised blocks become float32 values without further loss.
        into: a folder that does not exist yet.

    Raises:
        MissingExtraError: torch, transformers or gguf is not installed.
        UnsupportedModelError: the file holds a model of no supported family.
    """
    with needs_extra("collect"):
        import gguf  # noqa: F401  (transformers needs it below, and names it less clearly)
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    # transformers draws a bar of its own while it reads a GGUF, whatever its settings say, so stderr is dropped.
    with quiet_transformers(), contextlib.redirect_stderr(io.StringIO()):
        where = {"gguf_file": source.name, "local_files_only": True, "trust_remote_code": False}
        loaded = AutoModelForCausalLM.from_pretrained(str(source.parent), dtype=torch.float32, **where)
        _without_quantization(loaded).save_pretrained(into)
        AutoTokenizer.from_pretrained(str(source.parent), **where).save_pretrained(into)


def _without_quantization(loaded: "PreTrainedModel") -> "PreTrainedModel":
    """Returns a model with the same weights whose config names no GGUF, which ``save_pretrained`` refuses."""
    import torch

    config = loaded.config
    if config.model_type not in FAMILIES:
        raise UnsupportedModelError(
            f"the GGUF file holds a model of type {config.model_type!r}",
            f"supported families are {', '.join(FAMILIES)}",
            "choose another base model",
        )
    for attribute in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(config, attribute):
            delattr(config, attribute)
    # Built on the meta device: drawing random weights only to overwrite them takes 8 s.
    with torch.device("meta"):
        plain = type(loaded)(config)
    plain.load_state_dict(loaded.state_dict(), assign=True)
    plain.tie_weights()
    return plain
