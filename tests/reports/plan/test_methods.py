"""The first sentence of ``bench plan``, and its methods as PEFT and Trainer carry them out."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from reports.cli.main import app

CONFIG = {
    "model_type": "llama",
    "hidden_size": 512,
    "vocab_size": 32000,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "intermediate_size": 2048,
    "max_position_embeddings": 8192,
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def invoke(*arguments):
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


def as_json(*arguments, code=0):
    done = invoke(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_the_answer_opens_with_what_standard_qlora_needs_on_the_named_card(config):
    options = ("--model", config, "--gpu", "rtx-4090", "--method", "qlora")
    plan, shown = as_json(*options), " ".join(invoke(*options).stdout.split())

    assert plan["libraries"]["kbit"] == "peft" and plan["recipe"]["gradient_checkpointing"]
    assert plan["ranked_by"] == "usual practice" and plan["choices"][0]["name"] == "4 bits, rank 16"
    assert plan["choices"][-1]["name"] == "4 bits, rank 16 in the last 3 of 12 layers"
    assert plan["answer"].startswith("Yes: 4-bit QLoRA of rank 16 on all linear modules needs ")
    assert {choice["coverage"] for choice in plan["choices"]} == {"published"}
    assert "published GPU peaks (qlora with k-bit preparation)" in shown and "assumed" not in shown
    assert "of the RTX 4090 at batch 1 x 1,024" in shown
    assert f"up to batch {plan['largest_batch']:,} or {plan['largest_length']:,} tokens at batch 1 fit" in shown


def test_full_fine_tuning_trains_all_weights(config):
    plan = as_json("--model", config, "--budget", "24GiB", "--method", "full")

    assert [choice["name"] for choice in plan["choices"]] == ["16 bits, all weights"]
    assert plan["choices"][0]["terms_bytes"]["adapters"] == 0


def test_where_nothing_fits_checkpointing_is_named(config):
    options = ("--model", config, "--method", "qlora", "--batch", 1, "--length", 8, "--no-gradient-checkpointing")
    plan = as_json(*options, "--budget", "700MiB", code=1)

    assert plan["answer"].startswith("No: ") and "heckpointing saves" in plan["answer"]


def test_where_full_fine_tuning_does_not_fit_qlora_is_named(config):
    plan = as_json("--model", config, "--method", "full", "--budget", "1GiB", "--length", 64, code=1)

    assert plan["answer"].startswith("No: full fine-tuning in 16 bits needs ")
    assert "4-bit QLoRA of rank 16 on all linear modules needs" in plan["answer"]
    assert plan["otherwise"][0]["peak_high_bytes"] <= 2**30


def test_on_a_cpu_the_own_loop_is_meant_and_the_others_are_refused(config):
    options = ("--model", config, "--budget", "8GiB", "--length", 64, "--device", "cpu")

    assert as_json(*options)["loop"] == "own"
    assert "on a cpu" in str(invoke(*options, "--method", "qlora").exception)


def test_the_chosen_row_is_written_for_a_library(config, tmp_path):
    options = ("--model", config, "--gpu", "T4", "--accumulation", 4, "--to", tmp_path)
    assert invoke(*options, "--write", "axolotl", "--row", 2).exit_code == 0
    written = yaml.safe_load((tmp_path / "axolotl.yaml").read_text())
    second = as_json(*options)["choices"][1]

    assert written["lora_r"] == max(second["configuration"]["ranks"]) and written["gradient_accumulation_steps"] == 4
    assert written["base_model"] == str(tmp_path) and written["fp16"] and not written["bf16"]
    assert "--row is 99" in str(invoke(*options, "--write", "trl", "--row", 99).exception)


def test_added_gradients_are_there_beside_the_activations(config):
    options = ("--model", config, "--budget", "24GiB", "--method", "full", "--length", 512)
    once, four = (as_json(*options, "--accumulation", count)["choices"][0] for count in (1, 4))
    weights = once["terms_bytes"]["weights"] + once["terms_bytes"]["embeddings"] + once["terms_bytes"]["norms"]

    assert four["terms_bytes"]["gradients"] == weights
    assert once["peak_bytes"] < four["peak_bytes"] <= once["peak_bytes"] + weights
