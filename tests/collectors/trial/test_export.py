"""An exported model scores as the trial that it comes from."""

import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoTokenizer

from collectors.scoring.encode import encode
from collectors.scoring.evaluate import evaluate
from collectors.trial.checkpoint import Checkpoints, load_adapter
from collectors.trial.model_builder import ModelBuilder
from collectors.trial.saved_model import load_model, save_model
from collectors.trial.trial import TrialRunner
from datasets_cache import load_task
from perfmodel.space.space import Configuration

WORDS = ["red", "green", "blue", "grey"]
MIXED = Configuration(0.0, (2, 3, 4, 8, 16, 2, 3, 8), (2, 4, 0, 8, 4, 2, 16, 8))


@pytest.mark.parametrize(("rate", "with_choices"), [(0.0, False), (0.3, True)], ids=["free", "pruned-choices"])
def test_an_export_of_mixed_widths_scores_as_its_trial(make_asked, tmp_path, rate, with_choices):
    path = tmp_path / "colours.jsonl"
    lines = [{"question": f"{i}: colour {i * 7 % 13}?", "answer": WORDS[i * 7 % 13 % 4]} for i in range(100)]
    choices = {"choices": WORDS} if with_choices else {}
    path.write_text("".join(json.dumps({**line, **choices}) + "\n" for line in lines))
    asked = make_asked(steps=2, curve_points=1, learning_rate=1e-2, eval_examples=15)
    setting = replace(asked.setting, task=str(path), task_sha256=load_task(str(path)).sha256)
    asked = replace(asked, setting=setting, configuration=replace(MIXED, pruning_rate=rate))
    measured = TrialRunner(1, "test", checkpoints=tmp_path / "kept", retention="adapter")(asked).measured
    assert measured.status == "ok", measured.reason

    builder = ModelBuilder(setting)
    built = builder.build(asked.configuration, asked.seed)
    adapters = Checkpoints(tmp_path / "kept").finished(asked)
    assert adapters is not None
    load_adapter(adapters, built.model)
    save_model(tmp_path / "saved", built, builder.base, {})
    tokenizer = AutoTokenizer.from_pretrained(str(tmp_path / "saved"))
    held_out = encode(load_task(str(path)).held_out, tokenizer, setting.recipe.max_length)[:15]
    scores = evaluate(load_model(tmp_path / "saved", "cpu"), held_out, torch.device("cpu"))

    assert scores.loss == pytest.approx(measured.held_out_loss, abs=1e-4)
    assert scores.accuracy == measured.accuracy
