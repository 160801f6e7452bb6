"""A saved model comes back with identical logits, whatever it is made of."""

import json
from dataclasses import replace

import pytest
import torch

from collectors.trial.finetune import finetune
from collectors.trial.model_builder import ModelBuilder
from collectors.trial.optimizers import make_optimizer
from collectors.trial.saved_model import load_model, save_model
from datasets_cache import load_task, resolve
from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError, UnsupportedModelError
from perfmodel.files.checksum import sha256_of, sha256_of_json
from perfmodel.model.families import FAMILIES
from perfmodel.space.methods import ADAPTERS, Methods
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Setting

MIXED = Configuration(0.3, (16, 8, 4, 3, 2, 4, 8, 16), (4, 0, 2, 8, 4, 0, 2, 4))


def logits(model):
    ids = torch.arange(2, 42).reshape(2, 20)
    with torch.no_grad():
        return model.eval()(input_ids=ids, use_cache=False).logits


def trained(shop, configuration):
    """Builds a model and trains it for the recipe's steps, so that no adapter stands at its start."""
    built = shop.build(configuration, seed=1)
    recipe = shop.setting.recipe
    optimizer = make_optimizer([p for p in built.model.parameters() if p.requires_grad], recipe)
    finetune(
        built.model,
        optimizer,
        shop.train,
        recipe,
        seed=0,
        device=torch.device("cpu"),
        resident_bytes=0,
        after_step=lambda _: None,
    )
    return built


def round_trip(shop, configuration, folder):
    built = trained(shop, configuration)
    expected = logits(built.model)
    save_model(folder, built, shop.base, {"note": "test"})
    assert torch.equal(logits(load_model(folder, "cpu")), expected)
    return built


@pytest.fixture
def shop_of(tmp_path, make_model, tokenizer, task_file, make_setting):
    def make(family):
        folder = tmp_path / family
        make_model(family).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        recipe = make_setting().recipe
        base, task = resolve(str(folder)), load_task(str(task_file))
        return ModelBuilder(Setting(str(folder), base.sha256, str(task_file), task.sha256, recipe, "cpu"))

    return make


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_comes_back_with_identical_logits(shop_of, tmp_path, family):
    round_trip(shop_of(family), MIXED, tmp_path / "saved")


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_adapter_comes_back(builder, tmp_path, adapter):
    round_trip(builder, replace(MIXED, methods=Methods(adapter=adapter)), tmp_path / "saved")


@pytest.mark.parametrize("initializer", ["loftq2", "pissa", "qera_diag"])
def test_a_base_that_the_start_changed_comes_back(builder, tmp_path, initializer):
    round_trip(builder, replace(MIXED, methods=Methods(initializer=initializer)), tmp_path / "saved")


def test_other_formats_and_a_global_scope_come_back(builder, tmp_path):
    methods = Methods("magnitude", "global", "bf16|hqq8g64|nf4dq|hqq3g32|hqq2g32")
    round_trip(builder, replace(MIXED, methods=methods), tmp_path / "saved")


def test_bits_by_module_come_back(builder, tmp_path):
    bits, ranks = ((16, 8, 4, 3, 2, 4, 8) * 8, (0, 2, 4, 0, 2, 8, 2) * 8)
    built = round_trip(builder, Configuration(0.3, bits, ranks), tmp_path / "saved")
    assert len(set(built.formats.values())) == 5
    assert sum(rank > 0 for rank in built.ranks.values()) == 5 * 8 == len(built.ranks)


def test_the_file_is_as_small_as_its_formats(builder, tmp_path):
    built = trained(builder, replace(MIXED, bits=(4,) * 8))
    save_model(tmp_path / "saved", built, builder.base, {})
    size = (tmp_path / "saved" / "base.safetensors").stat().st_size
    assert built.weight_bytes < size < built.weight_bytes * 1.1 + 60_000


@pytest.fixture
def saved(builder, tmp_path):
    folder = tmp_path / "saved"
    save_model(folder, builder.build(MIXED, seed=0), builder.base, {})
    return folder


def test_a_damaged_or_newer_model_is_refused(saved):
    record = json.loads((saved / "model.json").read_text())
    (saved / "model.json").write_text(json.dumps({**record, "version": 99}))
    with pytest.raises(SchemaVersionError, match="version 99"):
        load_model(saved, "cpu")
    (saved / "model.json").write_text(json.dumps(record))
    content = bytearray((saved / "base.safetensors").read_bytes())
    content[-1] ^= 1
    (saved / "base.safetensors").write_bytes(content)
    with pytest.raises(CorruptFileError, match="export it again"):
        load_model(saved, "cpu")
    with pytest.raises(CorruptFileError, match=r"model\.json cannot be read"):
        load_model(saved / "adapter", "cpu")


@pytest.mark.parametrize("name", ["adapter/adapter_model.safetensors", "adapter/adapter_config.json", "tokenizer.json"])
def test_a_flipped_bit_anywhere_is_refused(saved, name):
    content = bytearray((saved / name).read_bytes())
    content[len(content) // 2] ^= 4
    (saved / name).write_bytes(content)
    with pytest.raises(CorruptFileError, match="is not the file that was written"):
        load_model(saved, "cpu")


def test_a_forged_model_is_refused_before_a_library_reads_beyond_its_tensors(saved):
    """As somebody would make it: what is wrong has the right checksum."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(saved / "base.safetensors")
    scale = next(name for name in tensors if name.endswith("::scale"))
    rest = next(name for name in tensors if "embed_tokens" in name)
    record = json.loads((saved / "model.json").read_text())
    for name in (scale, rest):
        save_file({**tensors, name: tensors[name][:1].clone()}, saved / "base.safetensors")
        _forge(saved, record)
        with pytest.raises(CorruptFileError, match=f"{name.partition('::')[0]}"):
            load_model(saved, "cpu")
    save_file(tensors, saved / "base.safetensors")
    for changes in (
        {"layers": record["layers"][:2]},
        {"adapter": "no"},
        {"formats": {}},
        {"ranks": [1]},
        {"config": {}},
    ):
        _forge(saved, {**record, **changes})
        with pytest.raises((CorruptFileError, UnsupportedModelError)):
            load_model(saved, "cpu")
    _forge(saved, record)
    load_model(saved, "cpu")


def _forge(folder, record):
    files = {name: sha256_of(folder / name) for name in record["files"]}
    body = {name: value for name, value in {**record, "files": files}.items() if name != "sha256"}
    (folder / "model.json").write_text(json.dumps({**body, "sha256": sha256_of_json(body)}))


def test_missing_adapters_are_refused(saved):
    (saved / "adapter" / "adapter_model.safetensors").unlink()
    with pytest.raises(CorruptFileError, match="adapter"):
        load_model(saved, "cpu")


def test_a_folder_in_use_is_left_alone(builder, saved):
    before = (saved / "model.json").read_text()
    with pytest.raises(OutputFolderError, match="is not empty"):
        save_model(saved, builder.build(MIXED, seed=1), builder.base, {})
    assert (saved / "model.json").read_text() == before
