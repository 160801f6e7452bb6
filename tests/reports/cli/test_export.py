"""The winner of a real run of a tiny model, exported, loaded again, and loaded by PEFT alone."""

import json
import re
import shutil
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from collectors.trial.saved_model import load_model
from perfmodel.errors import (
    InfeasibleBudgetError,
    InvalidTaskError,
    OutputFolderError,
    StageOrderError,
    UnknownNameError,
)
from perfmodel.space.methods import INITIALIZERS, Methods
from perfmodel.space.space import Configuration
from perfmodel.traces.parquet import read_traces
from reports.cli.export import KEPT_BASE, export, fits_published_base, recommended
from reports.cli.main import app
from reports.run.run import Run
from reports.run.suite import parse_suite
from reports.stages.stages import run_stages

SUITE = {
    "name": "tiny",
    "device": "cpu",
    "recipe": {"steps": 2, "curve_points": 1, "batch_size": 4, "eval_examples": 8, "learning_rate": 0.01},
    "space": {"pruning_rates": [0.0, 0.5], "bits": [4, 8, 16], "ranks": [0, 4, 8]},
    "collect": {"configurations": 11, "repeated": 0, "baselines": False, "executor": "inline", "workers": 2},
    "fit": {"surrogates": ["constant", "additive"], "metrics": ["held_out_loss", "peak_memory_bytes"]},
    "search": {"evaluations": {"random": 60}, "batch": 30},
    "validate": {"front": 3, "random": 2, "references": 2, "seeds": [101]},
}


def silent(_):
    """Hears and says nothing."""


@pytest.fixture(scope="module")
def real_model(model_folder, tmp_path_factory):
    """The tiny checkpoint with the weights that its config describes."""
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("real") / "model"
    shutil.copytree(model_folder, folder)
    torch.manual_seed(0)
    # Values that bfloat16 holds, so that a 16-bit base is the same model in our formats and in PEFT's hands.
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.bfloat16).float()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def finished(real_model, task_file, tmp_path_factory):
    """The folder of a run whose trials were all real."""
    folder = tmp_path_factory.mktemp("run") / "tiny"
    suite = parse_suite({**SUITE, "model": str(real_model), "task": str(task_file)})
    run_stages(Run(suite, folder, "bench run tiny", silent), "validate")
    return folder


@pytest.fixture(scope="module")
def traces(finished):
    return read_traces(finished / "validate" / "traces.parquet")


def test_validation_keeps_its_adapters_and_collecting_does_not(finished, traces):
    assert all(trace.ok for trace in traces)
    assert len(list(finished.rglob("adapter.safetensors"))) == len(traces)
    assert not list(finished.rglob("optimizer.safetensors"))


def test_the_exported_choice_measures_what_its_trial_measured(finished, traces, task_file, tmp_path, monkeypatch):
    monkeypatch.chdir(task_file.parent)
    export(finished, tmp_path / "out", None, silent)
    record = json.loads((tmp_path / "out" / "model.json").read_text())
    done = CliRunner().invoke(app, ["evaluate", str(tmp_path / "out")])
    scores = json.loads(done.stdout)
    (trace,) = [trace for trace in traces if trace.asked.key == record["details"]["trace"]]
    assert scores["held_out_loss"] == pytest.approx(trace.measured.held_out_loss, abs=1e-6)
    assert scores["accuracy"] == trace.measured.accuracy
    best = min(each.measured.held_out_loss for each in traces)
    assert trace.measured.held_out_loss == best  # without repeats no noise is known, and only the best counts


def test_an_export_is_scored_on_its_own_data_where_they_are_and_says_so_where_they_are_not(
    finished, task_file, tmp_path, monkeypatch
):
    export(finished, tmp_path / "out", None, silent)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["evaluate", "out"])
    assert isinstance(done.exception, InvalidTaskError) and task_file.name in str(done.exception)
    assert CliRunner().invoke(app, ["evaluate", "out", "--task", str(task_file)]).exit_code == 0


def test_peft_alone_loads_an_unpruned_choice(real_model, task_file, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    only_16 = {"space": {"pruning_rates": [0.0], "bits": [16], "ranks": [0, 4, 8]}}
    suite = parse_suite({**SUITE, **only_16, "model": str(real_model), "task": str(task_file)})
    folder = tmp_path / "run"
    run_stages(Run(suite, folder, "bench run tiny", silent), "validate")
    export(folder, tmp_path / "out", None, silent)

    base = AutoModelForCausalLM.from_pretrained(real_model, dtype=torch.float32)
    plain = PeftModel.from_pretrained(base, tmp_path / "out" / "peft_adapter").eval()
    ours = load_model(tmp_path / "out", "cpu")
    ids = torch.arange(2, 32).reshape(2, 15)
    with torch.no_grad():
        expected = ours(input_ids=ids, use_cache=False).logits
        assert torch.allclose(plain(input_ids=ids, use_cache=False).logits, expected, atol=1e-5)
        with plain.disable_adapter():
            assert not torch.allclose(plain(input_ids=ids, use_cache=False).logits, expected, atol=1e-3)
    settings = json.loads((tmp_path / "out" / "peft_adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == real_model.name
    script = (tmp_path / "out" / "train_peft.py").read_text()
    assert f"from_pretrained('{real_model.name}')" in script and "LoraConfig" in script


def test_an_export_travels(finished, traces, tmp_path, monkeypatch, capsys):
    """No file names a place on this machine, all can be read by all, and the text beside the model loads it."""
    plan = json.loads((finished / "validate" / "plan.json").read_text())
    out = export(finished, tmp_path / "out", plan[0]["name"].lower(), silent)
    files = [path for path in out.rglob("*") if path.is_file()]

    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}
    texts = [path.read_text() for path in files if path.suffix in {".json", ".md"}]
    assert not [text for text in texts if str(finished.parent) in text or str(tmp_path) in text]
    (code,) = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(out)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out


def test_a_pruned_model_has_no_plain_adapter(finished, traces, tmp_path):
    pruned = next((trace for trace in traces if trace.asked.configuration.pruning_rate), None)
    if pruned is None:
        pytest.fail("the run validated no pruned configuration: choose another seed")
    export(finished, tmp_path / "out", pruned.asked.configuration.identifier, silent)
    assert not (tmp_path / "out" / "peft_adapter").exists()
    load_model(tmp_path / "out", "cpu")


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_only_a_base_that_stays_itself_has_a_plain_adapter(traces, initializer):
    trace = started_by(traces[0], initializer)
    assert fits_published_base(trace) == (initializer in KEPT_BASE)


def started_by(trace, initializer):
    methods = Methods(initializer=initializer)
    configuration = replace(trace.asked.configuration, pruning_rate=0.0, methods=methods)
    return replace(trace, asked=replace(trace.asked, configuration=configuration))


def test_the_recommended_one_stays_within_the_budget(finished, traces, tmp_path):
    plan = json.loads((finished / "validate" / "plan.json").read_text())
    names = {Configuration.from_dict(each["configuration"]).identifier: each["name"] for each in plan}
    runs = {names[trace.asked.configuration.identifier]: [trace] for trace in traces}
    copy = shutil.copytree(finished, tmp_path / "copy")
    best = recommended(copy, runs)
    suite = json.loads((copy / "suite.json").read_text())
    limit = min(trace.measured.peak_memory_bytes for trace in runs[best]) - 1
    (copy / "suite.json").write_text(json.dumps(suite | {"budget": {"peak_memory_bytes": limit}}))
    other = recommended(copy, runs)
    assert all(trace.measured.peak_memory_bytes <= limit for trace in runs[other])
    (copy / "suite.json").write_text(json.dumps(suite | {"budget": {"peak_memory_bytes": 1}}))
    with pytest.raises(InfeasibleBudgetError, match="raise the budget"):
        recommended(copy, runs)


def test_what_cannot_be_exported_is_told(finished, traces, tmp_path):
    with pytest.raises(StageOrderError, match="no validated fine-tunes"):
        export(tmp_path, tmp_path / "out", None, silent)
    with pytest.raises(UnknownNameError, match="validated are "):
        export(finished, tmp_path / "out", "abc", silent)
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    with pytest.raises(OutputFolderError, match="is not empty"):
        export(finished, full, None, silent)
    copy = shutil.copytree(finished, tmp_path / "copy")
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(StageOrderError, match="were not kept"):
        export(copy, tmp_path / "out", None, silent)
    assert not (tmp_path / "out").exists()
