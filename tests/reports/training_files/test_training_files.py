"""Files that other libraries run: PEFT's script fine-tunes a tiny model, the others hold keys that the libraries know."""

import ast
import json
import os
import subprocess
import sys

import pytest
import yaml

from perfmodel.errors import InvalidConfigurationError, UnknownNameError
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from reports.training_files.adapters import lora_arguments
from reports.training_files.training import Training
from reports.training_files.write import LIBRARIES, training_file, write_training_file

CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 256,
    "max_position_embeddings": 64,
}
ARCHITECTURE = Architecture.from_config(CONFIG)
RECIPE = Recipe(steps=2, curve_points=1, batch_size=2, max_length=16, gradient_checkpointing=True)
QLORA = Configuration.uniform(3, bits=4, rank=8)
MIXED = Configuration(0.0, (4, 4, 4), (0, 8, 4))


def training(configuration=QLORA, **changes):
    return Training("owner/model", ARCHITECTURE, configuration, RECIPE, **changes)


def keywords(text):
    """Names of the keywords and of the keys of ``**{...}`` of every call in a script, by the called name."""
    found = {}
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        names = {keyword.arg for keyword in call.keywords if keyword.arg}
        for keyword in call.keywords:
            if isinstance(keyword.value, ast.Dict) and keyword.arg is None:
                names |= {key.value for key in keyword.value.keys}
        found.setdefault(ast.unparse(call.func), set()).update(names)
    return found


def test_one_rank_needs_no_pattern_and_mixed_ranks_have_one():
    assert not {"rank_pattern", "layers_to_transform"} & set(lora_arguments(QLORA, ARCHITECTURE, RECIPE))
    mixed = lora_arguments(MIXED, ARCHITECTURE, RECIPE)

    assert (mixed["r"], mixed["layers_to_transform"], mixed["rank_pattern"]) == (8, [1, 2], {r"layers\.(2)\..+": 4})


@pytest.mark.parametrize("unit", ["layer", "module"])
def test_peft_gives_every_module_the_rank_that_was_chosen(unit):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    modules = len(ARCHITECTURE.modules)
    ranks = MIXED.ranks if unit == "layer" else tuple([0, 2, 8, 4, 0, 8, 2] * 3)
    configuration = Configuration(0.0, (16,) * len(ranks), ranks)
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**CONFIG))
        adapted = get_peft_model(model, LoraConfig(**lora_arguments(configuration, ARCHITECTURE, RECIPE)))
    found = {name: module.r["default"] for name, module in adapted.named_modules() if hasattr(module, "lora_A")}
    wanted = {}
    for layer in range(3):
        for place, module in enumerate(ARCHITECTURE.modules):
            rank = ranks[layer] if unit == "layer" else ranks[layer * modules + place]
            if rank:
                wanted[f"base_model.model.model.layers.{layer}.{module.parent}.{module.name}"] = rank

    assert found == wanted


@pytest.fixture
def tiny(tmp_path):
    """A folder with a tiny model and its tokenizer, and one with data."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = {"<end>": 0, **{letter: place + 1 for place, letter in enumerate("abcdefgh")}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<end>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")
    fast.save_pretrained(tmp_path / "model")
    LlamaForCausalLM(LlamaConfig(**CONFIG)).save_pretrained(tmp_path / "model")
    (tmp_path / "data").mkdir()
    rows = [json.dumps({"text": "a b c d e f g h"})] * 40
    (tmp_path / "data" / "train.jsonl").write_text("\n".join(rows))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("library", ["peft", "trl"])
@pytest.mark.parametrize("configuration", [QLORA, MIXED, Configuration.uniform(3, bits=16, rank=0)])
def test_the_written_script_fine_tunes_a_tiny_model(tiny, library, configuration):
    pytest.importorskip(library)
    asked = Training(str(tiny / "model"), ARCHITECTURE, configuration, RECIPE, 2, str(tiny / "data"))
    path = write_training_file(library, asked, "tiny", tiny)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tiny / "home"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, path.name], check=False, cwd=tiny, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert "'train_loss'" in done.stdout
    kept = "adapter_model.safetensors" if any(configuration.ranks) else "model.safetensors"
    assert (tiny / "output" / kept).is_file()


@pytest.mark.parametrize("library", ["peft", "trl", "unsloth", "deepspeed"])
@pytest.mark.parametrize("configuration", [QLORA, Configuration.uniform(3, bits=16, rank=0)])
def test_every_script_is_python_and_says_what_it_was_made_for(library, configuration):
    text = training_file(library, training(configuration, bfloat16=False), "tiny")
    calls = keywords(text)

    assert LIBRARIES[library].versions in text.splitlines()[1]
    settings = calls["SFTConfig" if library in ("trl", "unsloth") else "TrainingArguments"]
    assert {"max_steps", "gradient_accumulation_steps", "gradient_checkpointing", "fp16"} <= settings
    assert ("deepspeed" in settings) == (library == "deepspeed")
    assert ("packing" in settings) == (library in ("trl", "unsloth"))
    assert "'fp16': True" in text and "torch.bfloat16" not in text


def test_trainer_s_arguments_are_those_of_transformers():
    from transformers import TrainingArguments

    assert set(training().arguments) <= set(TrainingArguments.__dataclass_fields__)


AXOLOTL = {"adapter", "attn_implementation", "base_model", "bf16", "datasets", "fp16", "gradient_accumulation_steps"}
AXOLOTL |= {"gradient_checkpointing", "learning_rate", "load_in_4bit", "load_in_8bit", "lora_alpha", "lora_dropout"}
AXOLOTL |= {"lora_r", "lora_target_modules", "lr_scheduler", "max_steps", "micro_batch_size", "optimizer", "output_dir"}
AXOLOTL |= {
    "bnb_config_kwargs",
    "pad_to_sequence_len",
    "sample_packing",
    "sequence_len",
    "warmup_steps",
    "weight_decay",
}
AXOLOTL_MIXED = {"peft_layers_to_transform", "lora_rank_pattern"}
"""Keys of Axolotl's documented configuration (docs.axolotl.ai, Config Reference)."""
FACTORY = {
    "model_name_or_path",
    "stage",
    "do_train",
    "finetuning_type",
    "dataset_dir",
    "dataset",
    "template",
    "packing",
}
FACTORY |= {"cutoff_len", "output_dir", "quantization_method", "quantization_bit", "double_quantization", "lora_rank"}
FACTORY |= {"disable_gradient_checkpointing", "lora_alpha", "lora_dropout", "lora_target"}
"""Keys of LLaMA-Factory's documented arguments (llamafactory.readthedocs.io), beside those of ``TrainingArguments``."""


def test_the_yaml_holds_the_documented_keys_only():
    axolotl = yaml.safe_load(training_file("axolotl", training(), "tiny"))
    factory = yaml.safe_load(training_file("llama-factory", training(), "tiny"))

    assert set(axolotl) == AXOLOTL and axolotl["adapter"] == "qlora"
    assert set(yaml.safe_load(training_file("axolotl", training(MIXED), "tiny"))) == AXOLOTL | AXOLOTL_MIXED
    assert set(factory) - set(training().arguments) == FACTORY and "gradient_checkpointing" not in factory
    assert factory["lora_target"].split(",") == [module.name for module in ARCHITECTURE.modules]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: training_file("torchtune", training(), ""), UnknownNameError, "known are trl, peft"),
        (lambda: training_file("llama-factory", training(MIXED), ""), InvalidConfigurationError, "use peft or trl"),
        (lambda: training(Configuration(0.0, (4, 4, 8), (8,) * 3)), InvalidConfigurationError, "bench export"),
        (lambda: training(Configuration.uniform(3, bits=2, rank=8)), InvalidConfigurationError, "weights in hqq2g64"),
        (lambda: training(Configuration(0.2, (4,) * 3, (8,) * 3)), InvalidConfigurationError, "bench export"),
        (
            lambda: lora_arguments(Configuration(0, (4,) * 3, (0,) * 3), ARCHITECTURE, RECIPE),
            InvalidConfigurationError,
            "raise a rank",
        ),
    ],
)
def test_what_a_library_cannot_do_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
