"""A tiny random Llama with a byte tokenizer and a small task, on disk as a user would bring them."""

import json
import sys
from pathlib import Path

import pytest
import torch

from collectors.trial.model_builder import ModelBuilder
from datasets_cache import load_task, resolve
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Asked, Setting

LAYERS = 8
VOCABULARY = 304
RECIPE = Recipe(steps=3, batch_size=4, max_length=64, learning_rate=3e-3, eval_examples=8, curve_points=2)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keeps what tiny models leave in the cache apart from the user's; fetched base models are shared."""
    from datasets_cache.files.cache import CACHE_VARIABLE, cache_folder

    folder, real = tmp_path_factory.mktemp("cache"), cache_folder()
    (real / "base_models").mkdir(parents=True, exist_ok=True)
    (folder / "base_models").symlink_to(real / "base_models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        yield


@pytest.fixture(scope="session")
def make_model():
    """Makes a random model of a family; weights are large enough for a wrong slice to show in the output."""

    def make(family="llama", layers=LAYERS, seed=0, **changes):
        from transformers import AutoConfig, AutoModelForCausalLM

        sizes = {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "vocab_size": VOCABULARY,
            "max_position_embeddings": 256,
            "initializer_range": 0.15,
            "tie_word_embeddings": True,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 1,
        }
        torch.manual_seed(seed)
        config = AutoConfig.for_model(family, **{**sizes, **changes})
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.config.use_cache = False
        return model.eval()

    return make


@pytest.fixture(scope="session")
def tokenizer():
    """One token a byte, so that lengths are easy to count."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<pad>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE(vocab={name: index for index, name in enumerate(names)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, make_model, tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("tiny-llama")
    make_model().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def task_file(tmp_path_factory) -> Path:
    """Sums of numbers of one to three digits: examples of many lengths."""
    path = tmp_path_factory.mktemp("task") / "sums.jsonl"
    numbers = [(3**i % 997, 7**i % (10, 100, 1000)[i % 3]) for i in range(1, 101)]
    lines = [{"question": f"{i}: {a} + {b} =", "answer": str(a + b)} for i, (a, b) in enumerate(numbers)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="session")
def make_setting(checkpoint, task_file):
    """Makes a setting of the tiny model and task; keywords change the recipe."""
    from dataclasses import replace

    def make(device_class="cpu", **changes) -> Setting:
        base, task = resolve(str(checkpoint)), load_task(str(task_file))
        recipe = replace(RECIPE, **changes)
        return Setting(str(checkpoint), base.sha256, str(task_file), task.sha256, recipe, device_class)

    return make


@pytest.fixture(scope="session")
def make_asked(make_setting):
    """Makes one trial of the tiny model."""

    def make(bits=16, rank=4, rate=0.0, seed=0, **changes) -> Asked:
        configuration = Configuration.uniform(LAYERS, bits=bits, rank=rank, pruning_rate=rate)
        return Asked(make_setting(**changes), configuration, seed, "plan")

    return make


@pytest.fixture(scope="session")
def builder(make_setting) -> ModelBuilder:
    return ModelBuilder(make_setting())


@pytest.fixture
def fakes(monkeypatch):
    """Makes ``fake_runner`` importable here and, since a spawned process takes over ``sys.path``, in every worker."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "support"))
    import fake_runner

    yield fake_runner
    sys.modules.pop("fake_runner", None)
