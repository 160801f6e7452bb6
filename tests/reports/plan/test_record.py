"""``bench plan``: tables, JSON, the picture, exit statuses, errors, and how soon it answers."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfmodel.errors import (
    InvalidConfigurationError,
    ModelNotFoundError,
    OutputFolderError,
    UnknownNameError,
    UnsupportedModelError,
    UserError,
)
from perfmodel.planner.gpu_cards import cards
from perfmodel.space.recipe import Recipe
from perfmodel.timing.correction import TimeCorrection
from perfmodel.timing.device_profiles import DeviceProfile
from reports.cli.main import app
from reports.plan.figures import GROUPS, parts, plan_drawing
from reports.plan.record import answer, calibrated_path, find_profile, question_of

ROOT = Path(__file__).parents[3]
LLAMA_70B = {
    "model_type": "llama",
    "hidden_size": 8192,
    "vocab_size": 128256,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "max_position_embeddings": 8192,
}
SMALL = {
    **LLAMA_70B,
    "hidden_size": 512,
    "vocab_size": 32000,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "intermediate_size": 2048,
}
PROFILE = DeviceProfile("here", "cpu", "bench calibrate", True, ((1.0, 1e11),), 1e10)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PERFMODEL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SMALL))
    return path


def invoke(*arguments):
    given = list(map(str, arguments))
    return CliRunner().invoke(app, ["plan", *given, *([] if "--method" in given else ["--method", "own"])])


def as_json(*arguments, code=0):
    done = invoke(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_json_says_all_of_the_plan(config):
    plan = as_json("--model", config, "--budget", "1GiB", "--batch", 4, "--length", 64, "--answer-tokens", 40)
    best = plan["choices"][0]

    assert plan["fits"] and plan["version"] == 1 and plan["budget_bytes"] == 2**30
    assert (plan["batch"], plan["length"], plan["answer_tokens"]) == (4, 64, 40)
    assert best["peak_bytes"] == best["reserved_bytes"] == sum(best["terms_bytes"].values())
    assert best["peak_low_bytes"] <= best["peak_bytes"] <= best["peak_high_bytes"] <= 2**30
    assert plan["largest_batch"] >= 4 and 64 <= plan["largest_length"] <= 8192
    assert best["coverage"] == "outside" and best["held_out_loss"] is None and best["step_s"] is None


def test_the_table_holds_the_json_s_figures(config):
    options = ("--model", config, "--budget", "1GiB", "--batch", 4, "--length", 64, "--optimizer", "adamw_8bit")
    plan, table = as_json(*options), invoke(*options).stdout
    best = plan["choices"][0]

    assert f"{best['terms_bytes']['weights'] / 2**30:.3f} GiB" in table
    assert f"{best['peak_low_bytes'] / 2**30:.3f} GiB to {best['peak_high_bytes'] / 2**30:.3f} GiB" in table
    assert all(choice["name"] in table for choice in plan["choices"])
    assert f"{plan['largest_batch']:,}" in table and f"{plan['largest_length']:,}" in table
    assert plan["recipe"]["optimizer"] == "adamw_8bit"
    assert "outside: nothing of its kind was measured" in table
    assert "bench calibrate measures the present device" in table


def test_trainer_s_loop_makes_logits_of_every_token(config):
    options = ("--model", config, "--budget", "24GiB", "--answer-tokens", 8, "--batch", 4, "--bits", 16, "--loop")
    plans = {name: as_json(*options, name) for name in ("own", "trainer")}
    vocabulary, tokens = SMALL["vocab_size"], 4 * 1024

    assert {name: plan["loop"] for name, plan in plans.items()} == {"own": "own", "trainer": "trainer"}
    terms = {name: plan["smallest"]["terms_bytes"] for name, plan in plans.items()}
    assert terms["trainer"]["logits_and_loss"] == 3 * 4 * tokens * vocabulary  # softmax, and two gradients, in float32
    assert terms["own"]["logits_and_loss"] <= 4 * 4 * 8 * vocabulary
    assert "transformers' Trainer, which makes" in invoke(*options, "trainer").stdout


def test_limits_leave_one_width_rank_and_rate(config):
    plan = as_json("--model", config, "--budget", "8GiB", "--bits", 3, "--rank", 5, "--rate", 0.2)

    assert plan["candidates"] == 1
    assert set(plan["choices"][0]["configuration"]["bits"]) == {3}
    assert set(plan["choices"][0]["configuration"]["ranks"]) == {5}
    assert plan["choices"][0]["configuration"]["pruning_rate"] == 0.2


def test_where_the_limits_do_not_fit_it_says_what_would(config):
    options = ("--model", config, "--budget", "800MiB", "--bits", 16, "--rank", 64, "--rate", 0)
    needed = as_json(*options, "--length", 512, code=1)["smallest"]["peak_high_bytes"]
    tight = ("--model", config, "--budget", str(needed - 1), *options[4:], "--length", 512)
    plan, done = as_json(*tight, code=1), invoke(*tight)

    assert not plan["fits"] and plan["choices"] == []
    assert plan["otherwise"][0]["peak_high_bytes"] < needed
    assert done.exit_code == 1
    assert "Nothing fits" in done.stdout and "Without the limits that were asked for" in done.stdout
    assert plan["otherwise"][0]["name"] in done.stdout
    assert invoke("--model", config, "--budget", str(needed), *tight[4:]).exit_code == 0


def test_below_the_empty_model_the_least_is_named_and_the_status_is_1(config):
    done = invoke("--model", config, "--budget", "10MiB", "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["fits"] is False
    assert re.search(r"below the empty model; its weights take 0\.\d+ GiB .* GiB or more", done.stderr)


def test_a_card_gives_its_memory_and_its_peak_speed(config):
    plan = as_json("--model", config, "--gpu", "rtx-4090", "--steps", 50)
    best = plan["choices"][0]

    assert plan["budget_bytes"] == cards()["RTX 4090"].memory_bytes
    assert plan["profile"]["source"].startswith("vendor peak") and best["seconds_are_lower_bound"]
    assert best["finetune_s"] == pytest.approx(50 * best["step_s"])
    assert "a lower bound" in invoke("--model", config, "--gpu", "rtx-4090").stdout


def test_the_calibrated_device_s_seconds_are_used_where_it_is_asked_about(config):
    PROFILE.save(calibrated_path("cpu"))
    options = ("--model", config, "--budget", "4GiB", "--length", 64)

    assert as_json(*options, "--device", "cpu")["profile"] == {
        "name": "here",
        "source": "bench calibrate",
        "measured": True,
        "form": "closed form",
        "step_error": None,
        "step_error_traces": 0,
    }
    assert as_json(*options)["profile"] is None
    with pytest.raises(InvalidConfigurationError, match="the profile is of cpu"):
        find_profile(calibrated_path("cpu"), None, "cuda")


def test_the_note_says_which_form_of_the_seconds_was_used(config):
    def told(profile):
        profile.save(calibrated_path("cpu"))
        options = ("--model", config, "--budget", "4GiB", "--length", 64, "--device", "cpu")
        return " ".join(invoke(*options).stdout.split()), as_json(*options)["profile"]

    assert "here, bench calibrate, closed form, compared with no traces of it;" in told(PROFILE)[0]
    compared = replace(PROFILE, compared_traces=80, closed_form_error=0.05)
    assert "closed form: off by 5.0 % on average, 80 traces;" in told(compared)[0]
    note, values = told(replace(compared, correction=TimeCorrection(1.0, 1.1, 0.9, 1.2, 80, 0.031, 0.05)))
    assert "closed form with a correction: off by 3.1 % on average in settings that it was not learned from" in note
    assert "80 traces (the closed form alone by 5.0 %);" in note
    assert (values["form"], values["step_error"], values["step_error_traces"]) == ("correction", 0.031, 80)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ((), InvalidConfigurationError, "neither a budget nor a card"),
        (("--budget", "1GiB", "--gpu", "T4"), InvalidConfigurationError, "both a budget and a card"),
        (("--budget", "lots"), InvalidConfigurationError, "the size 'lots'"),
        (("--gpu", "RTX 3060"), UnknownNameError, "did you mean 'RTX 3060 Ti' or 'RTX 3060 12GB'"),
        (("--gpu", "T4", "--device", "cpu"), InvalidConfigurationError, "a card belongs to cuda"),
        (("--budget", "1GiB", "--device", "tpu"), InvalidConfigurationError, "the device 'tpu'"),
        (("--budget", "1GiB", "--bits", "5"), InvalidConfigurationError, "--bits is 5"),
        (("--budget", "1GiB", "--rank", "4096"), InvalidConfigurationError, "smallest side"),
        (("--budget", "1GiB", "--rate", "1.5"), InvalidConfigurationError, "--rate is 1.5"),
        (("--budget", "1GiB", "--optimizer", "sgd"), InvalidConfigurationError, "recipe.optimizer"),
        (("--budget", "1GiB", "--loop", "mine"), InvalidConfigurationError, "one of own, trainer"),
        (("--budget", "1GiB", "--answer-tokens", "5000"), InvalidConfigurationError, "5000 scored tokens"),
        (("--budget", "1GiB", "--predictor", "nowhere"), UserError, "no folder and no predictor"),
        (("--budget", "1GiB", "--picture", "plan.gif"), UserError, "ends in .svg, .png or .html"),
    ],
)
def test_options_that_cannot_be_used_are_the_user_s_errors(config, options, error, message):
    done = invoke("--model", config, *options)

    assert isinstance(done.exception, error)
    assert message in str(done.exception)
    assert done.exception.exit_code == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_local_experts": 8}, "mixture of experts"),
        ({"vision_config": {}}, "multimodal"),
        ({"hidden_size": None}, "lacks hidden_size"),
    ],
)
def test_models_that_are_not_supported_say_what_is(config, changes, message):
    config.write_text(json.dumps({**SMALL, **changes}))
    done = invoke("--model", config, "--budget", "1GiB")

    assert isinstance(done.exception, UnsupportedModelError)
    assert message in str(done.exception)


def test_a_model_that_is_not_there_says_so():
    assert isinstance(invoke("--model", "nowhere.json", "--budget", "1GiB").exception, ModelNotFoundError)


@pytest.mark.parametrize(
    ("name", "start"), [("plan.svg", b"<?xml"), ("deep/plan.png", b"\x89PNG"), ("plan.html", b"<!DOCTYPE")]
)
def test_the_picture_is_written_and_the_same_again(config, tmp_path, name, start):
    options = ("--model", config, "--budget", "1GiB", "--length", 64, "--picture", tmp_path / name)
    first = invoke(*options)
    content = (tmp_path / name).read_bytes()
    invoke(*options)

    assert first.exit_code == 0
    assert content.startswith(start)
    assert (tmp_path / name).read_bytes() == content


def test_the_picture_s_parts_are_all_of_each_peak(config):
    recipe = Recipe(steps=1000, curve_points=1, batch_size=1, max_length=64)
    question = question_of(str(config), recipe, "own", None, 2**30, "cuda", dict.fromkeys(("bits", "rank", "rate")))
    plan = answer(str(config), question, None, None).plan
    stacked = parts(plan.choices)
    bars = [trace for trace in plan_drawing(plan).data if trace["type"] == "bar"]

    totals = [sum(sizes[place] for _, _, sizes in stacked) for place in range(len(plan.choices))]
    assert totals == [choice.memory.reserved for choice in plan.choices]
    assert {"weights", "logits and loss"} <= {label for label, _, _ in stacked}
    assert len({color for _, color, _ in stacked if color != "#222222"}) >= len(
        set(GROUPS) & {label for label, _, _ in stacked}
    )
    drawn = [sum(trace["x"][place] for trace in bars) for place in range(len(plan.choices))]
    assert drawn == pytest.approx([total / 2**30 for total in totals])


def test_a_picture_that_cannot_be_written_says_so(config, tmp_path):
    (tmp_path / "taken").write_text("")
    done = invoke("--model", config, "--budget", "1GiB", "--picture", tmp_path / "taken" / "plan.svg")

    assert isinstance(done.exception, OutputFolderError)


def test_a_plan_brings_no_heavy_package(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA_70B))
    code = (
        "import sys; from typer.testing import CliRunner; from reports.cli.main import app;"
        f"done = CliRunner().invoke(app, ['plan', '--model', {str(path)!r}, '--gpu', 'H100 80GB', '--json']);"
        "heavy = [name for name in ('torch', 'transformers', 'matplotlib', 'xgboost') if name in sys.modules];"
        "assert done.exit_code == 0, done.output; assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
