"""The shape of a decoder-only language model, read from a Hugging Face ``config.json`` without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from perfmodel.errors import UnsupportedModelError
from perfmodel.model.families import FAMILIES, Block, Family, LinearModule

__all__ = ["CHANNEL_MULTIPLE", "FAMILIES", "KEPT_FIRST", "KEPT_LAST", "Architecture", "LayerShape", "LinearModule"]

CHANNEL_MULTIPLE = 16
"""MLP channels are removed in multiples of this, so that pruned matrices keep shapes that tensor cores accept."""

LARGEST, LARGEST_COUNT = 1 << 26, 10_000
"""Above any size, and any number of layers, of a model: what a config can say by mistake only."""

KEPT_FIRST, KEPT_LAST = 4, 2
"""Layers at either end that pruning leaves whole. Source: LLM-Pruner (arXiv 2305.11627), section 4.1."""


@dataclass(frozen=True)
class LayerShape:
    """What one decoder layer holds.

    Args:
        kv_groups: key/value heads, each with its query heads.
        channels: number of MLP channels.
    """

    kv_groups: int
    channels: int


@dataclass(frozen=True)
class Architecture:
    """The sizes that decide a model's bytes and operations.

    Args:
        family: ``model_type`` of the config.
        hidden: width of the residual stream.
        vocabulary: number of tokens of the vocabulary.
        head_dim: width of one attention head.
        queries_per_group: query heads that share one key/value head.
        layers: shape of every layer, in order.
        tied_embeddings: whether the head reuses the embedding matrix.
        attention_bias: whether the attention's modules carry biases, where the family has them.
        norm_parameters: parameters of all norms, which stay in the compute type.
        mlp_bias: whether the MLP's modules carry biases.
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
    mlp_bias: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Architecture":
        """Returns the architecture that a ``config.json`` describes.

        Args:
            config: the parsed ``config.json`` of a Hugging Face checkpoint.

        Raises:
            UnsupportedModelError: when the family or a needed key is missing.
        """
        name = config.get("model_type")
        if not isinstance(name, str) or name not in FAMILIES:
            raise UnsupportedModelError(
                f"the config's model_type is {name!r}",
                f"supported families are {', '.join(FAMILIES)}",
                "choose a dense causal language model of one of them",
            )
        needed = ("hidden_size", "vocab_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        missing = [key for key in needed if config.get(key) is None]
        if missing:
            raise UnsupportedModelError(
                f"the config lacks {', '.join(missing)}", f"needed are {', '.join(needed)}", "complete the config.json"
            )
        family = FAMILIES[name]
        heads, hidden, count, vocabulary, channels = (
            _size(config, key)
            for key in ("num_attention_heads", "hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size")
        )
        groups = _size(config, "num_key_value_heads", family.kv_heads or heads, heads)
        head_dim = _size(config, "head_dim", family.head_width or hidden // heads, hidden // heads)
        if heads % groups:
            raise UnsupportedModelError(
                f"the config has {heads} query heads on {groups} key/value heads",
                "each key/value head has the same number of query heads",
                "mend num_attention_heads or num_key_value_heads in config.json",
            )
        return cls(
            family=name,
            hidden=hidden,
            vocabulary=vocabulary,
            head_dim=head_dim,
            queries_per_group=heads // groups,
            layers=(LayerShape(groups, channels),) * count,
            tied_embeddings=bool(config.get("tie_word_embeddings", family.tied_embeddings)),
            attention_bias=_flag(family.attention_bias, config, "attention_bias"),
            norm_parameters=_norm_parameters(family, config, count, hidden, head_dim),
            mlp_bias=_flag(family.mlp_bias, config, "mlp_bias"),
        )

    @cached_property
    def modules(self) -> tuple[LinearModule, ...]:
        """Linear modules of every layer, in the order of per-module values."""
        there = {"self_attn": self.attention_bias, "mlp": self.mlp_bias}
        return tuple(
            replace(module, bias=module.bias and there[module.parent]) for module in FAMILIES[self.family].modules
        )

    @cached_property
    def _shapes_of_modules(self) -> dict[LayerShape, dict[str, tuple[int, int]]]:
        """Shapes by the layer's shape, filled as they are asked for: most layers of a model are alike."""
        return {}

    @property
    def prunable(self) -> range:
        """Indices of the layers that pruning may touch."""
        return range(KEPT_FIRST, max(KEPT_FIRST, len(self.layers) - KEPT_LAST))

    @property
    def smallest_dimension(self) -> int:
        """Smallest side of any linear module: the largest rank that is not wasted."""
        return min(min(shape) for layer in range(len(self.layers)) for shape in self.module_shapes(layer).values())

    @property
    def bias_parameters(self) -> int:
        """Biases of all linear modules, which stay in the compute type."""
        return sum(
            self.module_shapes(layer)[module.name][0]
            for layer in range(len(self.layers))
            for module in self.modules
            if module.bias
        )

    @property
    def rest_parameters(self) -> int:
        """All that is no weight of a linear module: embeddings, head, norms and biases."""
        return self.embedding_parameters + self.norm_parameters + self.bias_parameters

    @property
    def parameters(self) -> int:
        """All parameters of the model, a tied head counted once."""
        return self.rest_parameters + sum(self.layer_parameters(layer) for layer in range(len(self.layers)))

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the embeddings and of a head of its own, with the head's bias."""
        head_bias = self.vocabulary if FAMILIES[self.family].head_bias else 0
        return self.vocabulary * self.hidden * (1 if self.tied_embeddings else 2) + head_bias

    @property
    def group_parameters(self) -> int:
        """Linear parameters that leave a layer with one key/value group and its query heads."""
        return self._linear_parameters(LayerShape(1, 0))

    @property
    def channel_parameters(self) -> int:
        """Linear parameters that leave a layer with one MLP channel."""
        return self._linear_parameters(LayerShape(0, 1))

    def block_widths(self, layer: int) -> dict[Block, int]:
        """Returns how many rows or columns each block of a side has in one layer."""
        return self._block_widths(self.layers[layer])

    def module_shapes(self, layer: int) -> dict[str, tuple[int, int]]:
        """Returns (rows out, columns in) of each linear module of one layer."""
        shape = self.layers[layer]
        if shape not in self._shapes_of_modules:
            self._shapes_of_modules[shape] = self._module_shapes(shape)
        return dict(self._shapes_of_modules[shape])

    def layer_parameters(self, layer: int) -> int:
        """Returns the parameters of one layer's linear modules, biases left out."""
        return self._linear_parameters(self.layers[layer])

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
        layers, made = list(self.layers), dict[LayerShape, LayerShape]()
        for index in self.prunable:
            shape = layers[index]
            if shape not in made:  # most layers of a model are alike
                made[shape] = self._pruned_shape(shape, rate)
            layers[index] = made[shape]
        return replace(self, layers=tuple(layers))

    def _pruned_shape(self, shape: LayerShape, rate: float) -> LayerShape:
        groups_gone = min(int(rate * shape.kv_groups + 0.5), shape.kv_groups - 1)
        wanted = rate * self._linear_parameters(shape) - groups_gone * self.group_parameters
        multiples = max(0, int(wanted / (self.channel_parameters * CHANNEL_MULTIPLE) + 0.5))
        channels = max(shape.channels - multiples * CHANNEL_MULTIPLE, min(CHANNEL_MULTIPLE, shape.channels))
        return LayerShape(shape.kv_groups - groups_gone, channels)

    def _block_widths(self, shape: LayerShape) -> dict[Block, int]:
        keys = shape.kv_groups * self.head_dim
        return {
            "queries": keys * self.queries_per_group,
            "keys": keys,
            "channels": shape.channels,
            "hidden": self.hidden,
        }

    def _module_shapes(self, shape: LayerShape) -> dict[str, tuple[int, int]]:
        widths = self._block_widths(shape)
        return {
            module.name: (sum(widths[block] for block in module.rows), widths[module.columns])
            for module in self.modules
        }

    def _linear_parameters(self, shape: LayerShape) -> int:
        return sum(rows * columns for rows, columns in self._module_shapes(shape).values())


def _size(config: Mapping[str, Any], key: str, absent: int = 0, null: int = 0) -> int:
    """Returns a size of a config.

    Args:
        config: the parsed ``config.json``.
        key: name of the size.
        absent: what the family takes for a key that is not there.
        null: what it takes for one that is null or 0.

    Raises:
        UnsupportedModelError: when it is no whole number from 1 to ``LARGEST``.
    """
    value = config.get(key, absent) or null
    most = LARGEST_COUNT if key == "num_hidden_layers" else LARGEST
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UnsupportedModelError(
            f"the config's {key} is {value!r}"[:200], f"a whole number from 1 to {most:,}", "mend the config.json"
        )
    return value


def _flag(fixed: bool | None, config: Mapping[str, Any], key: str) -> bool:  # noqa: FBT001 - a table's value
    return bool(config.get(key, False)) if fixed is None else fixed


def _norm_parameters(family: Family, config: Mapping[str, Any], layers: int, hidden: int, head_dim: int) -> int:
    per_layer = family.norms * hidden
    if _flag(family.head_norms, config, "qk_layernorm"):
        per_layer += 2 * head_dim
    return family.norm_values * (layers * per_layer + hidden)
