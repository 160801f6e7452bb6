"""Base models by folder and by name: what is found, what is refused, and what comes into memory."""

import hashlib
import json
from pathlib import Path

import pytest

from datasets_cache.base_models.resolve import BaseModel, load_model, load_tokenizer, resolve, weights_sha256
from perfmodel.errors import CorruptFileError, DownloadError, ModelNotFoundError, UnsupportedModelError


def test_a_folder_is_opened_as_it_is(checkpoint: Path) -> None:
    base = resolve(str(checkpoint))
    assert base.name == "tiny"
    assert base.folder == checkpoint.resolve()
    assert base.config["hidden_size"] == 8


def test_shards_are_hashed_together_and_a_missing_one_is_named(checkpoint: Path) -> None:
    weights = checkpoint / "model.safetensors"
    first, second = checkpoint / "model-1.safetensors", checkpoint / "model-2.safetensors"
    first.write_bytes(weights.read_bytes())
    second.write_bytes(weights.read_bytes())
    weights.unlink()
    index = {"weight_map": {"a": second.name, "b": first.name, "c": second.name}}
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    lines = f"{first.name} {digest}\n{second.name} {digest}\n"
    assert weights_sha256(checkpoint) == hashlib.sha256(lines.encode()).hexdigest()
    second.unlink()
    with pytest.raises(ModelNotFoundError, match=r"has no model-2\.safetensors"):
        resolve(str(checkpoint))


def test_a_model_is_its_weights_config_tokenizer_and_template(checkpoint: Path) -> None:
    def changed(name: str, text: str) -> str:
        (checkpoint / name).write_text(text)
        return resolve(str(checkpoint)).sha256

    config = json.loads((checkpoint / "config.json").read_text())
    start = resolve(str(checkpoint)).sha256
    later = json.dumps({**config, "transformers_version": "9.9", "use_cache": True}, indent=2)
    assert changed("config.json", later) == changed("README.md", "text") == start
    rope = changed("config.json", json.dumps({**config, "rope_theta": 500000.0}))
    tokenizer = changed("tokenizer.json", '{"vocab": {"a": 0, "b": 1}}')
    swapped = changed("tokenizer.json", '{"vocab": {"a": 1, "b": 0}}')
    template = changed("chat_template.jinja", "{{ messages }}")
    weights = bytearray((checkpoint / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (checkpoint / "model.safetensors").write_bytes(weights)
    assert len({start, rope, tokenizer, swapped, template, resolve(str(checkpoint)).sha256}) == 6


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(checkpoint: Path, file: str) -> None:
    (checkpoint / file).unlink()
    with pytest.raises(ModelNotFoundError, match=f"has no {file}"):
        resolve(str(checkpoint))


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_config_that_is_no_object_is_refused(checkpoint: Path, content: str) -> None:
    (checkpoint / "config.json").write_text(content)
    with pytest.raises(CorruptFileError, match=r"config\.json"):
        resolve(str(checkpoint))


def test_an_index_without_shards_is_refused(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(CorruptFileError, match="lists no shards"):
        resolve(str(checkpoint))


def test_weights_cut_short_are_refused(checkpoint: Path) -> None:
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(CorruptFileError, match=r"model\.safetensors cannot be read"):
        resolve(str(checkpoint))


@pytest.mark.parametrize("spec", ["", "smollm2", "/no/such/folder", "./models/none", "a/b/c"])
def test_an_unknown_base_model_is_refused_with_what_is_allowed(spec: str) -> None:
    with pytest.raises(ModelNotFoundError, match="smollm2-135m"):
        resolve(spec)


def test_a_file_is_no_base_model(checkpoint: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="is a file"):
        resolve(str(checkpoint / "model.safetensors"))


def test_a_hub_id_is_fetched_without_pickles(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot(hub_id: str, *, allow_patterns: list[str], local_files_only: bool) -> str:
        assert "*.bin" not in allow_patterns
        return str(checkpoint)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    lines: list[str] = []
    base = resolve("owner/name", progress=lines.append)
    assert base.name == "owner/name"
    assert any("owner/name" in line for line in lines)


def test_a_hub_id_offline_is_a_download_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE"):
        resolve("perfmodel-tests/no-such-model")


def test_a_model_unknown_to_the_hub_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import HFValidationError

    def snapshot(hub_id: str, **_: object) -> str:
        raise HFValidationError(hub_id)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(ModelNotFoundError, match="neither a folder here nor a model"):
        resolve("owner/name--x")


def test_a_loaded_model_is_ready_to_be_changed(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import torch

    model = load_model(resolve(str(checkpoint)), dtype=torch.float32)
    assert not model.training
    assert model.config.use_cache is False
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model(input_ids=torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 16)
    assert capfd.readouterr() == ("", "")


def test_a_tokenizer_is_loaded_or_its_absence_is_told(checkpoint: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    base = resolve(str(checkpoint))
    with pytest.raises(ModelNotFoundError, match="no usable tokenizer"):
        load_tokenizer(base)
    words = Tokenizer(WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    fast = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?")  # type: ignore[no-untyped-call]
    fast.save_pretrained(checkpoint)
    assert load_tokenizer(base)("b")["input_ids"] == [1]


def test_an_unknown_architecture_is_refused(checkpoint: Path) -> None:
    import torch

    (checkpoint / "config.json").write_text(json.dumps({"model_type": "no_such_type"}))
    base = BaseModel("tiny", checkpoint, "", {"model_type": "no_such_type"})
    with pytest.raises(UnsupportedModelError, match="no_such_type"):
        load_model(base, dtype=torch.float32)


@pytest.mark.real
@pytest.mark.timeout(600)
def test_the_embedded_model_knows_the_capital_of_france() -> None:
    import torch

    try:
        base = resolve("smollm2-135m", progress=print)
    except DownloadError as error:
        pytest.skip(f"the embedded model cannot be fetched here: {error}")
    assert base.config["num_hidden_layers"] == 30
    model, tokenizer = load_model(base, dtype=torch.float32), load_tokenizer(base)
    prompt = tokenizer("The capital of France is", return_tensors="pt")
    written = model.generate(  # type: ignore[operator]
        **prompt, max_new_tokens=5, do_sample=False
    )
    assert "Paris" in tokenizer.decode(written[0])
