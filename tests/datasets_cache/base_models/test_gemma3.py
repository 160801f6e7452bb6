"""Gemma-3-270M: what its definition says, and that the real one reads English."""

import pytest

from datasets_cache import DEFAULT_BASE_MODEL, load_model, load_tokenizer, resolve
from datasets_cache.base_models.gemma3 import GEMMA3
from perfmodel.errors import DownloadError
from perfmodel.model.architecture import Architecture, LayerShape


def test_it_is_not_the_default_and_says_its_terms() -> None:
    assert GEMMA3.name != DEFAULT_BASE_MODEL
    assert "ai.google.dev/gemma/terms" in GEMMA3.terms
    assert [part.file_name[-2:] for part in GEMMA3.parts] == ["00", "01", "02", "03"]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_has_its_published_shapes_and_reads_english() -> None:
    import torch

    try:
        base = resolve("gemma3-270m", progress=print)
    except DownloadError as error:
        pytest.skip(f"Gemma-3-270M cannot be fetched here: {error}")
    architecture = Architecture.from_config(base.config)
    assert architecture.layers == (LayerShape(1, 2048),) * 18
    model, tokenizer = load_model(base, dtype=torch.float32), load_tokenizer(base)
    linear = sum(architecture.layer_parameters(layer) for layer in range(18))
    assert linear + architecture.rest_parameters == sum(p.numel() for p in model.parameters()) == 268_098_176
    text = "The sun rises in the east and sets in the west. Water boils at one hundred degrees, and ice melts at zero."
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loss = float(model(input_ids=ids, labels=ids).loss)
    assert loss < 3.0  # a wrong convention for the norms' weights gives about 20
