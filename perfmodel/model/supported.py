"""The architecture of a config that came from anywhere: says what is wrong with those that are not supported."""

from collections.abc import Mapping
from typing import Any

from perfmodel.errors import UnsupportedModelError
from perfmodel.model.architecture import Architecture
from perfmodel.model.families import FAMILIES

MULTIMODAL_KEYS = ("text_config", "vision_config", "audio_config")
EXPERT_KEYS = ("num_local_experts", "num_experts", "n_routed_experts", "num_experts_per_tok")


def dense_architecture(config: Mapping[str, Any]) -> Architecture:
    """Returns the architecture that a ``config.json`` describes.

    Args:
        config: the parsed ``config.json`` of a Hugging Face checkpoint.

    Raises:
        UnsupportedModelError: when the model is multimodal, a mixture of experts or of an unknown family, or when a
            needed key is missing or holds no size.
    """
    families = ", ".join(FAMILIES)
    multimodal = [key for key in MULTIMODAL_KEYS if key in config]
    if multimodal:
        raise UnsupportedModelError(
            f"the config is of a multimodal model (it has {', '.join(multimodal)})",
            f"supported are dense text models of the families {families}",
            "give the config.json of such a model",
        )
    experts = [key for key in EXPERT_KEYS if isinstance(config.get(key), int) and config[key] > 1]
    if experts:
        raise UnsupportedModelError(
            f"the config is of a mixture of experts ({experts[0]} is {config[experts[0]]})",
            f"supported are dense text models of the families {families}",
            "give the config.json of such a model",
        )
    return Architecture.from_config(config)
