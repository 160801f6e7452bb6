"""What the tests of several packages share."""

import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def smollm2_config() -> dict[str, Any]:
    """The keys of SmolLM2-135M's config that decide its shapes; a test compares them with the model's own file."""
    return {
        "model_type": "llama",
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49152,
        "tie_word_embeddings": True,
    }


@pytest.fixture(scope="session")
def hub_copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of a miniature copy of each online task's data set."""
    pytest.importorskip("datasets")
    write_copies = runpy.run_path(str(Path(__file__).parent / "support" / "miniature_hub.py"))["write_copies"]
    copies: dict[str, Path] = write_copies(tmp_path_factory.mktemp("hub"))
    return copies
