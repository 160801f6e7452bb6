"""``bench quantizers`` on a tiny model's folder: a table for people, JSON for programs, one message for a mistake."""

import json

import pytest
import torch
from typer.testing import CliRunner

from collectors.quantizers import QUANTIZERS, linear_of
from collectors.quantizers.fairness import sample_weights
from collectors.quantizers.table import quantizer_table
from perfmodel.errors import ModelNotFoundError
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from reports.cli.main import app


def tiny(hidden):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    sizes = {
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 64,
        "tie_word_embeddings": True,
    }
    return AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **sizes), dtype=torch.float32)


@pytest.fixture(scope="module")
def model():
    """A model that has been through NF4."""
    model = tiny(64)
    for weight in sample_weights(model, Architecture.from_config(model.config.to_dict())):
        module = QUANTIZERS["nf4"].quantize(linear_of(weight), torch.float32)
        weight.copy_(QUANTIZERS["nf4"].dequantize(module))
    return model


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny")
    model.save_pretrained(path)
    return path


def invoke(*arguments):
    return CliRunner().invoke(app, ["quantizers", *map(str, arguments)])


def test_json_holds_the_table_s_rows(folder, model):
    done = invoke("--model", folder, "--json")
    rows = json.loads(done.stdout)
    expected = quantizer_table(QUANTIZERS, sample_weights(model, Architecture.from_config(model.config.to_dict())))

    assert done.exit_code == 0
    assert rows == [row.to_dict() for row in expected]
    assert [row["format"] for row in rows] == list(FORMATS)
    by_name = {row["format"]: row for row in rows}
    assert by_name["bf16"]["bits_per_weight"] == 16
    assert by_name["hqq4g64"]["bits_per_weight"] == 4 + 2 * 32 / 64
    assert by_name["nf4"]["verdict"] == "refused" and by_name["nf4"]["ratio"] < 0.5
    assert by_name["hqq3g64"]["verdict"] == "fair"
    assert by_name["hqq3g64"]["ratio"] == by_name["hqq3g64"]["relative_error"] / by_name["hqq3g64"]["gaussian_error"]


def test_the_table_says_which_formats_are_fair(folder):
    done = invoke("--model", folder)
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    verdicts = {cells[0]: cells[-1] for cells in lines if cells[0] in FORMATS}

    assert done.exit_code == 0
    assert list(verdicts) == list(FORMATS)
    assert verdicts["nf4"] == "refused" and verdicts["hqq3g64"] == "fair"
    assert "formats: 17 of 17" in done.stderr


def test_formats_that_cannot_hold_the_model_s_shapes_say_so():
    odd = tiny(36)
    weights = sample_weights(odd, Architecture.from_config(odd.config.to_dict()))
    rows = {row.format.name: row for row in quantizer_table(QUANTIZERS, weights)}

    assert rows["hqq2g128"].verdict == "does not fit" and rows["hqq2g128"].bits_per_weight is None
    assert rows["int8"].errors is not None


def test_an_unknown_model_is_a_user_s_error():
    done = invoke("--model", "no-such-model")

    assert isinstance(done.exception, ModelNotFoundError)
    assert done.exception.exit_code == 2
