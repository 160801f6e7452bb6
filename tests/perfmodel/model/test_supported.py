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
        ({"vocab_size": "many"}, "sizes cannot be used"),
        ({"num_attention_heads": 0}, "sizes cannot be used"),
        ({"num_key_value_heads": 8}, "sizes cannot be used"),
        ({"intermediate_size": -1}, "sizes cannot be used"),
        ({"num_hidden_layers": 0}, "sizes cannot be used"),
        ({"vocab_size": [1]}, "sizes cannot be used"),
    ],
)
def test_others_are_refused_by_what_they_are(changes, message):
    with pytest.raises(UnsupportedModelError, match=message) as caught:
        dense_architecture({**LLAMA, **changes})
    assert caught.value.exit_code == 2


def test_the_refusal_says_what_is_supported():
    with pytest.raises(UnsupportedModelError, match="llama, mistral, qwen2, qwen3, gemma2, gemma3_text, phi, phi3"):
        dense_architecture({**LLAMA, "num_local_experts": 8})
