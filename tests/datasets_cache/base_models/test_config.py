"""A model's config alone: by file, folder, packaged name and hub id, and a clear refusal of everything else."""

import json
import sys

import pytest

from datasets_cache.base_models import config as module
from datasets_cache.base_models.config import model_config
from datasets_cache.base_models.resolve import PACKAGED
from datasets_cache.files.cache import CACHE_VARIABLE
from perfmodel.errors import CorruptFileError, DownloadError, MissingExtraError, ModelNotFoundError

CONFIG = {"model_type": "llama", "hidden_size": 64}


def nothing_said(line):
    raise AssertionError(line)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_a_file_or_its_folder_is_read_as_it_is(file, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(json.dumps(CONFIG))

    assert model_config(str(file), nothing_said) == CONFIG
    assert model_config(str(tmp_path), nothing_said) == CONFIG
    assert model_config(str(other), nothing_said) == CONFIG


def test_a_packaged_model_in_the_cache_is_not_hashed(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    folder = PACKAGED["smollm2-135m"].folder / "float32"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))

    assert model_config("smollm2-135m", nothing_said) == CONFIG


@pytest.mark.parametrize("spec", ["", "no-such-model", "no/such/model", "no-such.json"])
def test_what_is_not_there_says_what_is_allowed(spec):
    with pytest.raises(ModelNotFoundError, match=r"config\.json, a folder that holds one, smollm2-135m"):
        model_config(spec, nothing_said)


@pytest.mark.parametrize("spec", ["Llama-3.1-8B", "llama-3.1-8b", "meta-llama/Llama-3.1-8B"])
def test_a_known_model_is_found_by_its_whole_name_or_hub_id_without_the_network(spec):
    assert model_config(spec, nothing_said)["intermediate_size"] == 14336


@pytest.mark.parametrize(("spec", "close"), [("Llama-3.1", "Llama-3.1-8B"), ("Qwen3-9B", "Qwen3-8B")])
def test_a_part_of_a_known_name_is_refused_with_those_it_may_mean(spec, close):
    with pytest.raises(ModelNotFoundError, match="did you mean") as caught:
        model_config(spec, nothing_said)
    assert close in caught.value.action


def test_a_folder_without_a_config_is_not_taken_for_a_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    for spec in ("owner/name", "owner/other"):
        with pytest.raises(ModelNotFoundError):
            model_config(spec, nothing_said)


@pytest.mark.parametrize("text", ["[1]", "{", ""])
def test_a_file_that_holds_no_object_is_damaged(file, text):
    file.write_text(text)
    with pytest.raises(CorruptFileError):
        model_config(str(file), nothing_said)


def test_without_the_network_a_hub_id_says_so(monkeypatch, tmp_path):
    import huggingface_hub

    def refuse(repo_id, filename, local_files_only):
        assert (repo_id, filename, local_files_only) == ("owner/name", "config.json", True)
        raise huggingface_hub.errors.LocalEntryNotFoundError("no connection")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:1")
    said = []
    with pytest.raises(DownloadError, match="go online"):
        model_config("owner/name", said.append)
    assert said == ["asking the hub for config.json of owner/name (one in its cache is used as it is)"]


def test_a_config_in_the_hub_s_cache_is_read(monkeypatch, tmp_path, file):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda repo_id, filename, local_files_only: str(file))
    monkeypatch.chdir(tmp_path)

    assert model_config("owner/name", lambda line: None) == CONFIG


def test_a_plain_file_needs_no_extra_and_a_hub_id_says_which(monkeypatch, file, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.chdir(tmp_path)

    assert model_config(str(file), nothing_said) == CONFIG
    with pytest.raises(MissingExtraError, match=r"\[collect\]"):
        module.model_config("owner/name", lambda line: None)
