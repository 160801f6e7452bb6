"""``bench sense`` on a tiny model's folder: a record in a file, a table for people, one message for a mistake."""

import json
import re

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from datasets_cache.files.cache import CACHE_VARIABLE
from datasets_cache.shelf.sensitivities import load_sensitivities
from perfmodel.errors import InvalidConfigurationError, UnknownNameError
from perfmodel.features.sensitivities import Sensitivities
from reports.cli.main import app

LAYERS, MODULES = 3, 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("tiny")
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": LAYERS, "vocab_size": 24}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "tie_word_embeddings": True}
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(
        AutoConfig.for_model("llama", initializer_range=0.15, **sizes, **heads), dtype=torch.float32
    ).save_pretrained(path)
    words = ["</s>", "?", *map(str, range(10)), "+", "=", "Answer", ":"]
    backend = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(True)])
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="?").save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    path = tmp_path_factory.mktemp("task") / "sums.jsonl"
    lines = [{"question": f"{i} + {i * i % 7} =", "answer": str(i + i * i % 7)} for i in range(40)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def invoke(*arguments):
    return CliRunner().invoke(app, ["sense", *map(str, arguments)])


def test_a_record_is_written_and_its_figures_are_shown(folder, task, tmp_path):
    path = tmp_path / "made" / "record.json"
    done = invoke("--model", folder, "--task", task, "--examples", 2, "--to", path)
    record = Sensitivities.load(path)
    rows = {line[1]: re.findall(r"-?\d+\.\d{4}", line[0]) for line in re.findall(r"(│\s+(\d)\s.*)", done.stdout)}

    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == str(path)
    assert (record.unit, record.examples, record.kl.shape) == ("layer", 2, (LAYERS, 4))
    assert sorted(rows) == ["0", "1", "2"]
    for row, figures in rows.items():
        shown = np.array(figures, dtype=float)
        assert shown[:4] == pytest.approx(record.kl[int(row)], abs=5.1e-5)
        assert shown[6] == pytest.approx(record.gradient_norm[int(row)], abs=5.1e-5)
    assert f"0.5: {record.taylor_mass[-1]:.3f}" in done.stdout


def test_without_a_file_it_is_found_by_name(folder, task):
    with pytest.raises(UnknownNameError, match="--unit module"):
        load_sensitivities(folder.name, "sums", "module")
    done = invoke("--model", folder, "--task", task, "--examples", 1, "--unit", "module")
    record = load_sensitivities(folder.name, "sums", "module")

    assert done.exit_code == 0
    assert record.kl.shape == (LAYERS * MODULES, 4)
    with pytest.raises(UnknownNameError):
        load_sensitivities(folder.name, "sums")


def test_an_unknown_unit_is_refused_before_anything_is_loaded(tmp_path):
    done = invoke("--model", tmp_path / "nothing", "--unit", "head")

    assert isinstance(done.exception, InvalidConfigurationError)
    assert "layer, module" in str(done.exception)
