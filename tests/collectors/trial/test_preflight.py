"""What would fail every trial of a setting is found before the first one."""

import json
from dataclasses import replace

import pytest
import torch

from collectors.measuring.provenance import ran_on
from collectors.trial.model_builder import ModelBuilder
from collectors.trial.preflight import check_before_trials
from datasets_cache import load_task, resolve
from perfmodel.errors import InvalidConfigurationError, InvalidTaskError, UnsupportedModelError, UserError
from perfmodel.model.families import FAMILIES


def checked(setting):
    return check_before_trials(resolve(setting.model), load_task(setting.task), setting.recipe, setting.device_class)


def test_what_is_left_out_is_counted_with_the_length_that_keeps_most(make_setting):
    whole, cut = checked(make_setting()), checked(make_setting(max_length=27))
    assert [fit.left_out for fit in whole] == [0, 0, 0]
    assert [fit.split for fit in cut] == ["train", "calibration", "held_out"]
    assert 0 < cut[0].left_out < cut[0].examples
    again = checked(make_setting(max_length=cut[0].length_for_most))
    assert again[0].left_out <= 0.05 * again[0].examples
    assert str(cut[0].left_out) in cut[0].told(27)


def test_a_split_that_is_too_small_once_it_is_encoded_is_refused(make_setting):
    with pytest.raises(InvalidTaskError, match=r"set recipe.max_length=\d+"):
        checked(make_setting(max_length=24))


def test_weights_that_are_not_the_models_are_refused(make_setting, make_model, tokenizer, tmp_path):
    make_model().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "vocab_size": 310}))
    with pytest.raises(Exception, match=r"1 of another shape \(model.embed_tokens.weight"):
        checked(replace(make_setting(), model=str(tmp_path)))


def test_a_card_without_bfloat16_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    with pytest.raises(UserError, match="Tesla T4 does not compute in bfloat16"):
        ran_on("cuda", "test", 1)


def test_a_rate_that_removes_nothing_is_refused(make_model, tokenizer, make_asked, tmp_path):
    make_model(layers=6).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    asked = make_asked(rate=0.3)
    setting = replace(asked.setting, model=str(tmp_path), model_sha256=resolve(str(tmp_path)).sha256)
    configuration = replace(asked.configuration, bits=(16,) * 6, ranks=(4,) * 6)
    builder = ModelBuilder(setting)
    with pytest.raises(InvalidConfigurationError, match=r"pruning rate 0\.3 removes nothing"):
        builder.build(configuration, seed=0)
    assert builder.build(replace(configuration, pruning_rate=0.0), seed=0).architecture == builder.architecture


def test_a_model_of_other_shapes_than_its_config_tells_is_refused(make_setting, monkeypatch):
    """As where the table of families is wrong about a newer transformers."""
    monkeypatch.setitem(FAMILIES, "llama", replace(FAMILIES["llama"], norms=3))
    with pytest.raises(UnsupportedModelError, match=r"it has [\d,]+ parameters and not [\d,]+"):
        checked(make_setting())
    modules = (replace(FAMILIES["llama"].modules[0], rows=("keys",)), *FAMILIES["llama"].modules[1:])
    monkeypatch.setitem(FAMILIES, "llama", replace(FAMILIES["llama"], modules=modules))
    with pytest.raises(UnsupportedModelError, match=r"q_proj of layer 0 is \(64, 64\) and not \(32, 64\)"):
        checked(make_setting())
