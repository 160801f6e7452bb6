"""Peaks on GPUs that others measured and published, and what the closed form says of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import TrainingMemory, training_memory
from perfmodel.memory.step import MIB
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration


@dataclass(frozen=True)
class PublishedPeak:
    """One published fine-tune.

    Args:
        model: name of the model, as its source gives it.
        bits: bits of every linear weight.
        batch_size: examples of a step, 1 or more.
        allocated: the allocator's peak, in bytes.
        device: what the device showed as taken, in bytes.
        estimate: the closed form's account of the same step.
    """

    model: str
    bits: int
    batch_size: int
    allocated: int
    device: int
    estimate: TrainingMemory

    @property
    def allocated_error(self) -> float:
        """Relative error of the estimated allocator's peak."""
        return self.estimate.allocated / self.allocated - 1

    @property
    def device_error(self) -> float:
        """Relative error of what the device is estimated to show."""
        return self.estimate.reserved / self.device - 1


def published_record() -> dict[str, Any]:
    """Returns the published figures with their source, as they lie in the package."""
    text = files("perfmodel.planner").joinpath("published_peaks.json").read_text(encoding="utf-8")
    record: dict[str, Any] = json.loads(text)
    return record


def published_peaks() -> list[PublishedPeak]:
    """Returns every published peak beside its estimate."""
    record = published_record()
    return [_beside_estimate(record, row) for row in record["peaks"]]


def _beside_estimate(record: Mapping[str, Any], row: Mapping[str, Any]) -> PublishedPeak:
    architecture = Architecture.from_config(record["models"][row["model"]])
    ranks = [record["rank"] if module.name in record["targets"] else 0 for module in architecture.modules]
    layers = len(architecture.layers)
    configuration = Configuration(
        0.0,
        bits=(row["bits"],) * layers * len(ranks),
        ranks=tuple(ranks) * layers,
        methods=DEFAULT_METHODS.with_format("nf4dq"),
    )
    estimate = training_memory(
        architecture,
        configuration,
        Recipe(dropout=record["dropout"], gradient_checkpointing=True),
        BatchLoad(row["batch_size"], record["length"], 0, loop="trainer", shifts_logits=True),
        device_class="cuda",
    )
    return PublishedPeak(
        row["model"], row["bits"], row["batch_size"], row["allocated_bytes"], row["device_mib"] * MIB, estimate
    )
