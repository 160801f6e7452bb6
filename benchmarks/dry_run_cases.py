"""The configurations at which the closed form of peak memory is compared with dry runs."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from perfmodel.memory.load import BatchLoad, Loop
from perfmodel.memory.peak import Attention, TrainingMemory, training_memory
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import DeviceClass

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the dry run is a test oracle, not part of the product

from oracles.dry_run import dry_run

LAYERS = 7
RANK = 8
SHARED = {
    "num_hidden_layers": LAYERS,
    "head_dim": 32,
    "vocab_size": 2048,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 1,
}
SIZES: dict[str, dict[str, Any]] = {
    "tiny": SHARED | {"hidden_size": 192, "intermediate_size": 512, "num_attention_heads": 6, "num_key_value_heads": 3},
    "medium": SHARED
    | {"hidden_size": 768, "intermediate_size": 2048, "num_attention_heads": 24, "num_key_value_heads": 8},
}
BATCHES = {"tiny": (4, 48, 30), "medium": (4, 64, 40)}
FAMILIES = ("llama", "qwen3", "gemma3_text", "phi", "phi3", "mistral", "qwen2", "gemma2")
DEVICES: tuple[DeviceClass, ...] = ("cpu", "cuda")
KINDS_OF_ADAPTER = (("dora", 0.0), ("qblora", 0.0), ("rslora", 0.0), ("lora", 0.1))


@dataclass(frozen=True)
class Case:
    """One configuration that is run dry."""

    device_class: DeviceClass
    size: str
    family: str
    format: str
    checkpointing: bool
    rate: float = 0.0
    adapter: str = "lora"
    dropout: float = 0.0
    loop: Loop = "own"
    attention: Attention = "sdpa"
    only_attention: bool = False

    @property
    def kind(self) -> str:
        """Row of the table."""
        notes = (
            "checkpointing" if self.checkpointing else "",
            self.adapter if self.adapter != "lora" else "dropout" if self.dropout else "",
            "Trainer" if self.loop == "trainer" else "",
            "written out" if self.attention == "eager" else "",
            "attention adapted" if self.only_attention else "",
        )
        return ", ".join((self.device_class, self.family, *filter(None, notes)))

    @property
    def config(self) -> dict[str, Any]:
        """The model's, as in a ``config.json``."""
        return SIZES[self.size] | {"model_type": self.family}

    def asked(self) -> tuple[Configuration, Recipe, BatchLoad]:
        """Returns the configuration, the recipe and the batch."""
        methods = replace(Methods().with_format(self.format), adapter=self.adapter)
        parents = [module.parent for module in Architecture.from_config(self.config).modules]
        ranks = [0 if self.only_attention and parent == "mlp" else RANK for parent in parents]
        bits = (FORMATS[self.format].bits,) * LAYERS * len(ranks)
        recipe = Recipe(gradient_checkpointing=self.checkpointing, dropout=self.dropout)
        configuration = Configuration(self.rate, bits, tuple(ranks) * LAYERS, methods)
        return configuration, recipe, BatchLoad(*BATCHES[self.size], self.loop)

    def counted(self) -> int:
        """Returns the peak of the dry run, in bytes."""
        settings = {"device_class": self.device_class, "attention": self.attention}
        return dry_run(self.config, *self.asked(), **settings).peak  # type: ignore[arg-type]  # both by name

    def estimate(self) -> TrainingMemory:
        """Returns what the closed form says."""
        return training_memory(
            Architecture.from_config(self.config),
            *self.asked(),
            device_class=self.device_class,
            attention=self.attention,
        )

    def error(self) -> float:
        """Returns estimate over dry run less 1."""
        return self.estimate().live / self.counted() - 1


def cases() -> Iterator[Case]:
    """Yields some 200: every format twice on either device with and without checkpointing, and what else differs.

    Families, sizes and pruning rates take turns.
    """
    for which, (device, checkpointing) in enumerate(product(DEVICES, (False, True))):
        for turn, name in enumerate((*FORMATS, *FORMATS)):
            place = turn + 2 * which
            size, rate = ("tiny", "medium")[place // 2 % 2], (0.0, 0.0, 0.3)[place % 3]
            yield Case(device, size, FAMILIES[place % len(FAMILIES)], name, checkpointing, rate)
        kinds = product(KINDS_OF_ADAPTER, ("nf4", "int8", "bf16", "hqq4g64"))
        for turn, ((adapter, dropout), name) in enumerate(kinds):
            family = "llama" if turn % 3 else FAMILIES[turn % len(FAMILIES)]
            yield Case(device, "medium", family, name, checkpointing, 0.0, adapter, dropout)
        for family, name in zip(FAMILIES, ("nf4dq", "int8", "nf4", "fp4", "hqq4g64"), strict=False):
            yield Case(device, "medium", family, name, checkpointing, loop="trainer")
        yield Case(device, "medium", "gemma2", "nf4", checkpointing, attention="eager")
        yield Case(device, "medium", "mistral", "nf4dq", checkpointing, dropout=0.1, only_attention=True)
        yield Case(device, "tiny", "llama", "int8", checkpointing, 0.3, only_attention=True)
