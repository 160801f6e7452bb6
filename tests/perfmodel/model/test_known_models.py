"""The shipped shapes of known models: each gives exactly the number of parameters that is published."""

import pytest

from perfmodel.model.known_models import known_models
from perfmodel.model.supported import dense_architecture


def test_every_shape_has_the_published_parameters_and_length():
    known = known_models()

    assert len(known) >= 40
    assert {name: dense_architecture(entry["config"]).parameters for name, entry in known.items()} == {
        name: entry["parameters"] for name, entry in known.items()
    }
    assert all(entry["config"]["max_position_embeddings"] >= 2048 for entry in known.values())
    assert len({entry["hub_id"] for entry in known.values()}) == len(known)


@pytest.mark.parametrize(("name", "billions"), [("Llama-2-7B", 6.74), ("Qwen2.5-7B", 7.62), ("Gemma-2-9B", 9.24)])
def test_the_parameters_are_those_of_the_papers(name, billions):
    assert known_models()[name]["parameters"] == pytest.approx(billions * 1e9, rel=1e-3)
