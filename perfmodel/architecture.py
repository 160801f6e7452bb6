"""The shape of a decoder-only language model, read from a Hugging Face ``config.json`` without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from perfmodel.errors import UnsupportedModelError

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text")
"""``model_type`` values whose layers hold the seven separate linear modules below."""

MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

CHANNEL_MULTIPLE = 16
"""MLP channels are removed in multiples of this, so that pruned matrices keep shapes that tensor cores accept."""

KEPT_FIRST, KEPT_LAST = 4, 2
"""Layers at either end that pruning leaves whole. Source: LLM-Pruner (arXiv 2305.11627), section 4.1."""


@dataclass(frozen=True)
class LayerShape:
    """What one decoder layer holds.

    Args:
        kv_groups: key/value heads, each with its query heads.
        channels: MLP channels.
    """

    kv_groups: int
    channels: int


@dataclass(frozen=True)
class Architecture:
    """The sizes that decide a model's bytes and operations.

    Args:
        family: ``model_type`` of the config.
        hidden: width of the residual stream.
        vocabulary: number of tokens.
        head_dim: width of one attention head.
        queries_per_group: query heads that share one key/value head.
        layers: shape of every layer, in order.
        tied_embeddings: whether the head reuses the embedding matrix.
        attention_bias: whether q, k and v carry a bias.
        norm_parameters: parameters of all norms, which stay in the compute type.
    """

    family: str
    hidden: int
    vocabulary: int
    head_dim: int
    queries_per_group: int
    layers: tuple[LayerShape, ...]
    tied_embeddings: bool
    attention_bias: bool
    norm_parameters: int

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Architecture":
        """Returns the architecture that a ``config.json`` describes.

        Args:
            config: the parsed file.

        Raises:
            UnsupportedModelError: when the family or a needed key is missing.
        """
        family = config.get("model_type")
        if family not in FAMILIES:
            raise UnsupportedModelError(
                f"the config's model_type is {family!r}",
                f"supported families are {', '.join(FAMILIES)}",
                "choose a dense causal language model of one of them",
            )
        needed = ("hidden_size", "vocab_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        missing = [key for key in needed if config.get(key) is None]
        if missing:
            raise UnsupportedModelError(
                f"the config lacks {', '.join(missing)}", f"needed are {', '.join(needed)}", "complete the config.json"
            )
        heads = int(config["num_attention_heads"])
        groups = int(config.get("num_key_value_heads") or heads)
        hidden, count = int(config["hidden_size"]), int(config["num_hidden_layers"])
        head_dim = int(config.get("head_dim") or hidden // heads)
        return cls(
            family=str(family),
            hidden=hidden,
            vocabulary=int(config["vocab_size"]),
            head_dim=head_dim,
            queries_per_group=heads // groups,
            layers=(LayerShape(groups, int(config["intermediate_size"])),) * count,
            tied_embeddings=bool(config.get("tie_word_embeddings", family.startswith("gemma"))),
            attention_bias=bool(config.get("attention_bias", family == "qwen2")),
            norm_parameters=_norm_parameters(str(family), count, hidden, head_dim),
        )

    @property
    def prunable(self) -> range:
        """Indices of the layers that pruning may touch."""
        return range(KEPT_FIRST, max(KEPT_FIRST, len(self.layers) - KEPT_LAST))

    @property
    def smallest_dimension(self) -> int:
        """Smallest side of any linear module: the largest rank that is not wasted."""
        return min(min(shape) for layer in range(len(self.layers)) for shape in self.module_shapes(layer).values())

    def module_shapes(self, layer: int) -> dict[str, tuple[int, int]]:
        """Returns (rows out, columns in) of each linear module of one layer."""
        shape = self.layers[layer]
        queries = shape.kv_groups * self.queries_per_group * self.head_dim
        keys = shape.kv_groups * self.head_dim
        return {
            "q_proj": (queries, self.hidden),
            "k_proj": (keys, self.hidden),
            "v_proj": (keys, self.hidden),
            "o_proj": (self.hidden, queries),
            "gate_proj": (shape.channels, self.hidden),
            "up_proj": (shape.channels, self.hidden),
            "down_proj": (self.hidden, shape.channels),
        }

    def layer_parameters(self, layer: int) -> int:
        """Returns the parameters of one layer's linear modules, biases left out."""
        return sum(rows * columns for rows, columns in self.module_shapes(layer).values())

    def pruned(self, rate: float) -> "Architecture":
        """Returns the architecture after structured pruning.

        Each prunable layer loses ``rate`` of its linear parameters: whole key/value groups to the nearest count,
        and MLP channels, in multiples of ``CHANNEL_MULTIPLE``, for what is left. At least one group and one
        multiple of channels stay.

        Args:
            rate: share of each prunable layer's parameters to remove, in [0, 1).
        """
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"rate must lie in [0, 1), got {rate}")
        layers = list(self.layers)
        for index in self.prunable:
            layers[index] = self._pruned_layer(index, rate)
        return replace(self, layers=tuple(layers))

    def _pruned_layer(self, index: int, rate: float) -> LayerShape:
        shape = self.layers[index]
        per_group = 2 * self.hidden * self.head_dim * (self.queries_per_group + 1)
        per_channel = 3 * self.hidden
        groups_gone = min(int(rate * shape.kv_groups + 0.5), shape.kv_groups - 1)
        wanted = rate * self.layer_parameters(index) - groups_gone * per_group
        multiples = max(0, int(wanted / (per_channel * CHANNEL_MULTIPLE) + 0.5))
        channels = max(shape.channels - multiples * CHANNEL_MULTIPLE, min(CHANNEL_MULTIPLE, shape.channels))
        return LayerShape(shape.kv_groups - groups_gone, channels)


def _norm_parameters(family: str, layers: int, hidden: int, head_dim: int) -> int:
    per_layer = (4 if family.startswith("gemma") else 2) * hidden
    if family in ("qwen3", "gemma3_text"):
        per_layer += 2 * head_dim
    return layers * per_layer + hidden
