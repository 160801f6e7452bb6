"""Importances on disk: found again, told apart, and made again when damaged."""

import pytest
import torch

from collectors.pruning.importances import IMPORTANCES, layer_importances
from collectors.pruning.importances import cached as measured_once
from collectors.pruning.importances.cached import importance_of
from perfmodel.model.architecture import Architecture

TEXTS = [[(7 * i + 11 * j) % 300 + 2 for j in range(5 + 3 * i)] for i in range(4)]
SHA = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PERFMODEL_CACHE", str(tmp_path))
    return tmp_path / "importances"


@pytest.fixture
def measured(monkeypatch):
    """The methods that were really measured, in order."""
    calls = []

    def measure(method, *rest):
        calls.append(next(name for name, each in IMPORTANCES.items() if each is method))
        return layer_importances(method, *rest)

    monkeypatch.setattr(measured_once, "layer_importances", measure)
    return calls


@pytest.fixture(scope="module")
def model(make_model):
    return make_model()


def ask(model, method="taylor", texts=TEXTS, sha=SHA, seed=0):
    architecture = Architecture.from_config(model.config.to_dict())
    return importance_of(model, architecture, texts, method, model_sha256=sha, seed=seed)


def same(first, second):
    return list(first) == list(second) and all(
        torch.equal(first[index].groups, second[index].groups)
        and torch.equal(first[index].channels, second[index].channels)
        for index in first
    )


def test_what_was_measured_once_is_read_again(model, cache, measured):
    first = ask(model)
    assert [path.name for path in cache.glob("*.safetensors")] == [
        f"0123456789ab-{digest_of(cache)}-taylor.safetensors"
    ]
    assert same(first, ask(model, seed=1))
    assert measured == ["taylor"]


def digest_of(cache):
    (path,) = cache.glob("*.safetensors")
    digest = path.name.split("-")[1]
    assert len(digest) == 12
    return digest


def test_another_model_calibration_set_or_method_is_measured_anew(model, measured):
    base = ask(model)
    assert same(base, ask(model, sha="f" * 64))
    assert not same(base, ask(model, texts=TEXTS[:2]))
    assert not same(base, ask(model, "magnitude"))
    assert measured == ["taylor", "taylor", "taylor", "magnitude"]


def test_two_models_whose_names_begin_alike_are_told_apart(model, measured):
    ask(model)
    ask(model, sha=SHA[:12] + "f" * 52)
    assert measured == ["taylor", "taylor"]


def test_text_beyond_what_is_read_is_the_same_calibration_set(model, measured):
    long = [text + list(range(2, 90)) for text in TEXTS]
    ask(model, texts=long)
    ask(model, texts=[text[:64] for text in long])
    assert measured == ["taylor"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "older"])
def test_a_damaged_file_is_made_again(model, cache, measured, damage, monkeypatch):
    whole = ask(model)
    (path,) = cache.glob("*.safetensors")
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-7])
    elif damage == "flip":
        content[-3] ^= 1
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        monkeypatch.setattr(measured_once, "VERSION", "next")
    assert same(whole, ask(model))
    assert same(whole, ask(model))
    assert measured == ["taylor", "taylor"]


def test_random_is_drawn_each_time_and_never_kept(model, cache, measured):
    assert same(ask(model, "random", seed=1), ask(model, "random", seed=1))
    assert not same(ask(model, "random", seed=1), ask(model, "random", seed=2))
    assert not list(cache.glob("*"))
    assert measured == ["random"] * 4


def test_a_shallow_model_leaves_no_file(make_model, cache):
    assert ask(make_model(layers=6)) == {}
    assert not list(cache.glob("*"))


def test_a_cache_that_cannot_be_written_costs_a_measurement(model, cache, measured):
    cache.write_text("a file where the folder should be")
    assert same(ask(model), ask(model))
    assert measured == ["taylor", "taylor"]
