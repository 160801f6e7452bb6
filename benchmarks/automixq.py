"""Prints what the closed form says of AutoMixQ's headline under each reading of its setting; JSON on the last line.

The paper (arXiv:2411.13814): LLaMA-7B pruned by 30 %, layers in 4 or 8 bits, needs 35.5 % less memory than LoRA in 16
bits and 27.5 % less than LoftQ. Layers are pruned and quantised but for the first four and the last two; rank 8 on all
linear modules, sequences of 256 tokens.
"""

import json
from dataclasses import dataclass
from functools import cache

from rich.console import Console
from rich.table import Table

from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import training_memory
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

LORA, LOFTQ = -0.355, -0.275
"""What AutoMixQ saves against each, as published."""

LLAMA_7B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}
RANK, LENGTH = 8, 256

COPIES = 3
"""Bytes a weight that bitsandbytes' 8-bit layers hold beyond their 8 bits where 16-bit weights are kept
(``has_fp16_weights=True``): the weight itself, 2, and a second quantised layout, 1."""


@dataclass(frozen=True)
class Reading:
    """One reading of the setting.

    Args:
        rate: share of each prunable layer that is removed.
        batch: examples of a step, 0 for what stays between steps only (weights, adapters, gradients, optimiser).
        checkpointing: whether activations are computed again in the backward pass.
        copies: whether 8-bit layers keep 16-bit weights.
    """

    rate: float
    batch: int
    checkpointing: bool
    copies: bool


def main() -> None:
    """Prints a table of readings and one JSON line."""
    whole = whole_model_rate(0.3)
    memories = ((0, False), (1, True), (4, True), (4, False), (64, True))
    readings = [
        Reading(rate, batch, checkpointing, copies)
        for copies in (False, True)
        for rate in (0.3, whole)
        for batch, checkpointing in memories
    ]
    rows = [said_of(reading) for reading in readings]
    table = Table(title=f"LLaMA-7B, 26 of 32 layers pruned and in 4 or 8 bits; published {LORA:.1%}")
    for column in ("copies", "rate", "memory", "LoRA GiB", "all 4", "all 8", "8-bit layers", "against 4", "against 8"):
        table.add_column(column)
    for reading, row in zip(readings, rows, strict=True):
        memory = "resident" if not reading.batch else f"peak, batch {reading.batch}"
        needed = "not reached" if row["layers_8"] is None else f"{row['layers_8']} of 26"
        table.add_row(
            "yes" if reading.copies else "no",
            f"{reading.rate:.3f}",
            memory + ", checkpoints" * reading.checkpointing,
            f"{row['lora_gib']:.2f}",
            f"{row['all_4']:+.1%}",
            f"{row['all_8']:+.1%}",
            needed,
            f"{row['against_4']:+.1%}",
            f"{row['against_8']:+.1%}",
        )
    console = Console(width=130)
    console.print(table)
    implied = (1 + LORA) / (1 + LOFTQ) - 1
    console.print(f"The two figures together put LoftQ at {implied:+.1%} against LoRA in 16 bits.")
    print(json.dumps({"benchmark": "automixq", "loftq_against_lora": round(implied, 4), "readings": rows}))


def said_of(reading: Reading) -> dict[str, float | int | bool | None]:
    """Returns the memory of LoRA in 16 bits, what uniform widths save, and how many 8-bit layers save as published.

    ``against_4`` and ``against_8`` set the published saving against those of uniform widths, LoftQ's among them.
    """
    layers = len(shapes(0.0).layers)
    middle = list(shapes(0.0).prunable)
    lora = peak(reading, (16,) * layers)

    def change(eight: int) -> float:
        bits = [16] * layers
        for place, layer in enumerate(middle):
            bits[layer] = 8 if place < eight else 4
        return peak(reading, tuple(bits)) / lora - 1

    changes = [change(eight) for eight in range(len(middle) + 1)]
    nearest = min(range(len(changes)), key=lambda eight: abs(changes[eight] - LORA))
    reached = min(changes) <= LORA <= max(changes)
    return {
        "rate": round(reading.rate, 4),
        "batch": reading.batch,
        "checkpointing": reading.checkpointing,
        "copies": reading.copies,
        "lora_gib": round(lora / 2**30, 3),
        "all_4": round(changes[0], 4),
        "all_8": round(changes[-1], 4),
        "layers_8": nearest if reached else None,
        "against_4": round((1 + LORA) / (1 + changes[0]) - 1, 4),
        "against_8": round((1 + LORA) / (1 + changes[-1]) - 1, 4),
    }


def peak(reading: Reading, bits: tuple[int, ...]) -> int:
    """Returns the bytes that a reading counts.

    Args:
        reading: what is counted.
        bits: of every layer, 16, 8 or 4.
    """
    made = Configuration(reading.rate, bits=bits, ranks=(RANK,) * len(bits))
    load = BatchLoad(max(1, reading.batch), LENGTH, 0, loop="trainer", shifts_logits=True)
    recipe = Recipe(gradient_checkpointing=reading.checkpointing)
    memory = training_memory(shapes(0.0), made, recipe, load, device_class="cuda")
    pruned = shapes(reading.rate)
    eight = sum(pruned.layer_parameters(layer) for layer, width in enumerate(bits) if width == 8)
    between = memory.weights + memory.adapters + memory.gradients + memory.optimizer
    return (memory.allocated if reading.batch else between) + COPIES * eight * reading.copies


@cache
def shapes(rate: float) -> Architecture:
    """Returns LLaMA-7B, each prunable layer pruned by a rate."""
    return Architecture.from_config(LLAMA_7B).pruned(rate)


def whole_model_rate(share: float) -> float:
    """Returns the rate at which the prunable layers lose a share of all linear parameters of the layers."""
    full = shapes(0.0)
    every = sum(full.layer_parameters(layer) for layer in range(len(full.layers)))
    return share * every / sum(full.layer_parameters(layer) for layer in full.prunable)


if __name__ == "__main__":
    main()
