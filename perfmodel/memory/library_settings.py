"""What the libraries around a model decide about a step's memory: k-bit preparation, autocast, logits, masks."""

from dataclasses import dataclass
from typing import Literal

from perfmodel.errors import InvalidConfigurationError

KbitPreparation = Literal["none", "peft", "trl"]
"""What is float32 beside quantised weights: nothing, all that is not quantised (PEFT), or the norms only (TRL)."""


@dataclass(frozen=True)
class LibrarySettings:
    """How PEFT, TRL and transformers carry out a step on CUDA. The defaults are those of this project's own loop.

    Args:
        kbit: ``peft`` is ``prepare_model_for_kbit_training``: embeddings, norms and head are float32, and so is the
            residual stream. ``trl`` is what SFTTrainer makes of it with ``bf16=True``: embeddings and head are
            bfloat16 again, the norms and, but for Gemma, the stream stay float32. ``none`` leaves everything in the
            compute type.
        autocast: whether products run under autocast (``bf16=True``), adapters' included.
        trains_all: whether all weights are trained and there are no adapters; gradients and optimiser states have the
            type of the weights.
        float32_logits: whether the model itself turns its logits to float32, as transformers before 4.48 did.
        keeps_logits: whether the caller keeps the model's outputs through the backward pass, 2 bytes a logit.
        padded: whether a padding mask is passed: keys and values are repeated for every query head, and every layer
            makes a mask of ``(batch, length, length)`` values in the compute type.
        keeps_inputs: whether 4-bit products keep their input, as those of bitsandbytes before 0.43.2 did.
        rotary_positions: positions whose sines and cosines every layer keeps, 0 or more; transformers before 4.43 kept
            those of ``max_position_embeddings``.

    Raises:
        InvalidConfigurationError: when settings exclude each other.

    Source: PEFT 0.21 ``utils/other.py``; TRL 0.13 ``trainer/utils.py`` (``peft_module_casting_to_bf16``); transformers
    5.23 ``integrations/sdpa_attention.py``; the release notes of bitsandbytes 0.43.2.
    """

    kbit: KbitPreparation = "none"
    autocast: bool = False
    trains_all: bool = False
    float32_logits: bool = False
    keeps_logits: bool = False
    padded: bool = False
    keeps_inputs: bool = False
    rotary_positions: int = 0

    def __post_init__(self) -> None:
        """Refuses settings that exclude each other."""
        if self.kbit != "none" and not self.autocast:
            raise InvalidConfigurationError(
                f"k-bit preparation {self.kbit!r} without autocast",
                "a float32 residual stream is modelled with products in the compute type",
                "set autocast=True",
            )
        if self.kbit != "none" and self.trains_all:
            raise InvalidConfigurationError(
                f"k-bit preparation {self.kbit!r} with all weights trained",
                "quantised weights are not trained",
                "set kbit='none'",
            )

    def float32_stream(self, family: str) -> bool:
        """Returns whether the residual stream is float32.

        Args:
            family: ``model_type`` of the model; Gemma's norms return the type that they read, so that a stream whose
                embeddings are bfloat16 stays so.
        """
        return self.kbit == "peft" or (self.kbit == "trl" and not family.startswith("gemma"))


OWN_LOOP = LibrarySettings()
"""Those of this project's own training loop."""
