"""The linear modules of a decoder layer, family by family: what may be pruned, quantised and adapted.

A matrix is described by its sides. Each side is made of blocks whose widths the layer's shape decides:

    queries    query heads of all key/value groups
    keys       key (or value) heads, one a group
    channels   MLP channels
    hidden     the residual width, which nothing changes
"""

from dataclasses import dataclass
from typing import Literal

Block = Literal["queries", "keys", "channels", "hidden"]


@dataclass(frozen=True)
class LinearModule:
    """One linear module of a decoder layer.

    Args:
        name: attribute in its parent, such as ``q_proj``.
        parent: attribute of the layer that holds it: ``self_attn`` or ``mlp``.
        rows: blocks of the output side, stacked in this order.
        columns: what the input side's width is.
        bias: whether it carries a bias, one value a row.
    """

    name: str
    parent: str
    rows: tuple[Block, ...]
    columns: Block
    bias: bool


@dataclass(frozen=True)
class Family:
    """What sets one ``model_type`` apart, beside the numbers of its config.

    Args:
        modules: linear modules of one layer; ``bias`` says which may have one.
        attention_bias: whether the attention's biases are there; ``None`` asks the config's ``attention_bias``.
        mlp_bias: whether the MLP's biases are there; ``None`` asks the config's ``mlp_bias``.
        head_bias: whether the output head carries a bias.
        norms: norms over the residual width in each layer.
        head_norms: whether queries and keys have norms over a head's width; ``None`` asks ``qk_layernorm``.
        norm_values: parameters of a norm per value: 1 for RMSNorm, 2 for LayerNorm with its bias.
        tied_embeddings: what a config without ``tie_word_embeddings`` means.
        kv_heads: key/value heads that a config without ``num_key_value_heads`` means; ``None`` for one a query head.
        head_width: width of a head that a config without ``head_dim`` means; ``None`` for hidden size over heads.
    """

    modules: tuple[LinearModule, ...]
    attention_bias: bool | None = False
    mlp_bias: bool | None = False
    head_bias: bool = False
    norms: int = 2
    head_norms: bool | None = False
    norm_values: int = 1
    tied_embeddings: bool = False
    kv_heads: int | None = None
    head_width: int | None = None


def _attention(output: str, *, output_bias: bool) -> tuple[LinearModule, ...]:
    return (
        LinearModule("q_proj", "self_attn", ("queries",), "hidden", bias=True),
        LinearModule("k_proj", "self_attn", ("keys",), "hidden", bias=True),
        LinearModule("v_proj", "self_attn", ("keys",), "hidden", bias=True),
        LinearModule(output, "self_attn", ("hidden",), "queries", bias=output_bias),
    )


_GATED_MLP = (
    LinearModule("gate_proj", "mlp", ("channels",), "hidden", bias=True),
    LinearModule("up_proj", "mlp", ("channels",), "hidden", bias=True),
    LinearModule("down_proj", "mlp", ("hidden",), "channels", bias=True),
)
_PLAIN_MLP = (
    LinearModule("fc1", "mlp", ("channels",), "hidden", bias=True),
    LinearModule("fc2", "mlp", ("hidden",), "channels", bias=True),
)
_FUSED = (
    LinearModule("qkv_proj", "self_attn", ("queries", "keys", "keys"), "hidden", bias=False),
    LinearModule("o_proj", "self_attn", ("hidden",), "queries", bias=False),
    LinearModule("gate_up_proj", "mlp", ("channels", "channels"), "hidden", bias=False),
    LinearModule("down_proj", "mlp", ("hidden",), "channels", bias=False),
)
_SEVEN = (*_attention("o_proj", output_bias=True), *_GATED_MLP)

FAMILIES: dict[str, Family] = {
    "llama": Family(_SEVEN, attention_bias=None, mlp_bias=None),
    "mistral": Family(_SEVEN, kv_heads=8),
    "qwen2": Family((*_attention("o_proj", output_bias=False), *_GATED_MLP), attention_bias=True, kv_heads=32),
    "qwen3": Family(_SEVEN, attention_bias=None, head_norms=True, kv_heads=32, head_width=128),
    "gemma2": Family(_SEVEN, attention_bias=None, norms=4, tied_embeddings=True, kv_heads=4, head_width=256),
    "gemma3_text": Family(
        _SEVEN, attention_bias=None, norms=4, head_norms=True, tied_embeddings=True, kv_heads=4, head_width=256
    ),
    "phi": Family(
        (*_attention("dense", output_bias=True), *_PLAIN_MLP),
        attention_bias=True,
        mlp_bias=True,
        head_bias=True,
        norms=1,
        head_norms=None,
        norm_values=2,
    ),
    "phi3": Family(_FUSED),
}
"""Families by ``model_type``.

Source: the modeling files of transformers 5.23; ``tests/perfmodel/model/test_architecture.py`` compares every count
with a model that transformers makes.
"""
