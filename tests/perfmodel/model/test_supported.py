"""Configs from anywhere: dense text models pass, all others are refused by what they are."""

import pytest

from perfmodel.errors import UnsupportedModelError
from perfmodel.model.architecture import Architecture
from perfmodel.model.supported import dense_architecture

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "vocab_size": 100,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}

SIZES = (*(key for key in LLAMA if key != "model_type"), "head_dim")


def test_a_dense_config_gives_its_architecture():
    assert dense_architecture(LLAMA) == Architecture.from_config(LLAMA)
    assert dense_architecture({**LLAMA, "num_experts_per_tok": 1}) == Architecture.from_config(LLAMA)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mixtral", "num_local_experts": 8}, "mixture of experts .num_local_experts is 8"),
        ({"model_type": "qwen3_moe", "num_experts": 128}, "mixture of experts"),
        ({"vision_config": {}}, "multimodal model .it has vision_config"),
        ({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}, "vision_config": {}}, "text_config"),
        ({"model_type": "gpt2"}, "model_type is 'gpt2'"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"num_key_value_heads": 8}, "4 query heads on 8 key/value heads"),
        ({"num_attention_heads": 33, "num_key_value_heads": 5}, "33 query heads on 5"),
        *(
            ({key: value}, f"{key} is ")
            for key, value in zip(SIZES, ("many", [1], -1, 2048.5, True, 10**30), strict=True)
        ),
        ({"num_hidden_layers": 100_000}, "from 1 to 10,000"),
    ],
)
def test_others_are_refused_by_what_they_are(changes, message):
    with pytest.raises(UnsupportedModelError, match=message) as caught:
        dense_architecture({**LLAMA, **changes})
    assert caught.value.exit_code == 2


def test_the_refusal_says_what_is_supported():
    with pytest.raises(UnsupportedModelError, match="llama, mistral, qwen2, qwen3, gemma2, gemma3_text, phi, phi3"):
        dense_architecture({**LLAMA, "num_local_experts": 8})
