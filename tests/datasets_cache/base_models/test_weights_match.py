"""Stored tensors that are not the model's are refused before anything trains on them, from the headers alone."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from datasets_cache import load_model, load_tokenizer, resolve
from datasets_cache.base_models.loading import model_without_memory
from perfmodel.errors import CorruptFileError, ModelNotFoundError, UnsupportedModelError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = AutoConfig.for_model(
        "llama", **sizes, vocab_size=50, tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=1
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("whole")
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture
def changed(whole, tmp_path):
    """Makes a copy of the model whose tensors or config were changed."""

    def make(tensors=lambda each: each, **config):
        folder = tmp_path / "changed"
        shutil.copytree(whole, folder)
        stored = load_file(folder / "model.safetensors")
        save_file(tensors(stored), folder / "model.safetensors", {"format": "pt"})
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**settings, **config}))
        return resolve(str(folder))

    return make


Q = "model.layers.0.self_attn.q_proj.weight"
WRONG = {
    "a prefix": lambda each: {f"module.{name}": value for name, value in each.items()},
    "a compiled model's prefix": lambda each: {f"_orig_mod.{name}": value for name, value in each.items()},
    "a suffix": lambda each: {f"{name}.data": value for name, value in each.items()},
    "other layers": lambda each: {name.replace("layers", "h"): value for name, value in each.items()},
    "a layer missing": lambda each: {name: value for name, value in each.items() if "layers.1" not in name},
    "a weight missing": lambda each: {name: value for name, value in each.items() if name != Q},
    "a layer too many": lambda each: {**each, Q.replace("layers.0", "layers.2"): each[Q].clone()},
    "a transposed weight": lambda each: {**each, "model.layers.0.mlp.up_proj.weight": torch.zeros(16, 32)},
    "an extended vocabulary": lambda each: {**each, "model.embed_tokens.weight": torch.zeros(53, 16)},
    "a bias that the model has not": lambda each: {**each, Q.replace("weight", "bias"): torch.zeros(16)},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    "read", [model_without_memory, lambda base: load_model(base, dtype=torch.float32)], ids=["headers", "all"]
)
def test_tensors_that_are_not_the_models_are_refused_with_counts_and_names(changed, wrong, read):
    with pytest.raises(CorruptFileError, match=r"\d+ (missing|not of this model|of another shape) \(model|\d+ not of"):
        read(changed(wrong))


def test_a_tied_head_may_be_missing_and_a_bare_decoder_may_be_stored(changed, whole):
    model_without_memory(resolve(str(whole)))
    bare = changed(lambda each: {name.removeprefix("model."): value for name, value in each.items()})
    model_without_memory(bare)
    own, theirs = (load_model(base, dtype=torch.float32).state_dict() for base in (bare, resolve(str(whole))))
    assert all(torch.equal(own[name], value) for name, value in theirs.items())


def test_quantised_bases_and_adapters_are_refused_with_what_to_give(changed, whole, tmp_path):
    with pytest.raises(UnsupportedModelError, match="quantised from"):
        model_without_memory(changed(quantization_config={"quant_method": "gptq", "bits": 4}))
    shutil.rmtree(tmp_path / "changed")
    with pytest.raises(UnsupportedModelError, match="merge_and_unload"):
        model_without_memory(changed(lambda each: {**each, Q.replace("weight", "lora_A.weight"): torch.zeros(2, 16)}))
    (tmp_path / "changed" / "adapter_config.json").write_text("{}")
    with pytest.raises(UnsupportedModelError, match="merge_and_unload"):
        model_without_memory(resolve(str(tmp_path / "changed")))


@pytest.mark.parametrize("shard", ["../whole.safetensors", "/etc/passwd", "sub/model.safetensors"])
def test_an_index_that_leads_out_of_the_folder_is_refused(changed, tmp_path, shard):
    changed()
    (tmp_path / "changed" / "model.safetensors").unlink()
    (tmp_path / "changed" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {Q: shard}}))
    with pytest.raises(CorruptFileError, match="shards lie in the folder"):
        resolve(str(tmp_path / "changed"))


@pytest.mark.parametrize("attention", ["eager", "flash_attention_2", "someone/kernel"])
def test_one_attention_without_dropout_is_used_whatever_the_config_says(changed, attention):
    base = changed(attn_implementation=attention, _attn_implementation=attention, attention_dropout=0.5)
    config = load_model(base, dtype=torch.float32).config
    assert (config._attn_implementation, config.attention_dropout) == ("sdpa", 0.0)


def test_code_of_a_folder_is_never_run(changed, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    ran = tmp_path / "ran"
    base = changed(auto_map={"AutoModelForCausalLM": "own.Model", "AutoConfig": "own.Config"})
    (base.folder / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Model: pass\nclass Config: pass\n")
    settings = {"auto_map": {"AutoTokenizer": ["own.Tokenizer", None]}, "tokenizer_class": "Tokenizer"}
    (base.folder / "tokenizer_config.json").write_text(json.dumps(settings))
    load_model(base, dtype=torch.float32)
    with pytest.raises(ModelNotFoundError, match="no usable tokenizer"):
        load_tokenizer(base)
    assert not ran.exists()
