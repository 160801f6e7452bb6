"""One fine-tune as people write it down, and what the usual libraries cannot carry out."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from reports.training_files.adapters import lora_arguments

LOADED = ("bf16", "int8", "nf4", "nf4dq", "fp4")
"""Formats that transformers loads through bitsandbytes, by their names in ``perfmodel.model.formats.FORMATS``."""

OPTIMIZERS = {"adamw": "adamw_torch", "adamw_8bit": "adamw_8bit", "paged_adamw_8bit": "paged_adamw_8bit"}
"""Names of transformers' ``TrainingArguments.optim`` by those of a recipe."""

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


@dataclass(frozen=True)
class Training:
    """One fine-tune.

    Args:
        model: hub id or folder of the base model.
        architecture: of the base model.
        configuration: without pruning and with one width; a rank of 0 everywhere means that all weights are trained.
        recipe: steps, batch, length, rate, optimiser and checkpointing.
        accumulation: batches whose gradients are added up for a step, 1 or more.
        data: hub id or folder of the data set.
        bfloat16: whether the card computes in bfloat16; float16 otherwise.

    Raises:
        InvalidConfigurationError: when the model is pruned, or its widths differ or are none that transformers loads.
    """

    model: str
    architecture: Architecture
    configuration: Configuration
    recipe: Recipe
    accumulation: int = 1
    data: str = "data"
    bfloat16: bool = True

    def __post_init__(self) -> None:
        """Refuses what none of these libraries can load."""
        formats = sorted({self.configuration.methods.format_of(bits) for bits in self.configuration.bits})
        if self.configuration.pruning_rate or len(formats) > 1 or formats[0] not in LOADED:
            raise InvalidConfigurationError(
                f"a model with pruning {self.configuration.pruning_rate:g} and weights in {', '.join(formats)}",
                f"transformers loads whole models in one of {', '.join(LOADED)}",
                "fine-tune it with bench run and take it out with bench export",
            )

    @property
    def bits(self) -> int:
        """Width of the frozen weights."""
        return self.configuration.bits[0]

    @property
    def four_bits(self) -> dict[str, Any]:
        """How bitsandbytes stores 4-bit weights."""
        name = self.configuration.methods.format_of(4)
        return {"bnb_4bit_quant_type": name[:3], "bnb_4bit_use_double_quant": name.endswith("dq")}

    @property
    def trains_all(self) -> bool:
        """Whether there are no adapters."""
        return not any(self.configuration.ranks)

    @property
    def type_name(self) -> str:
        """Name of the compute type as torch has it."""
        return "bfloat16" if self.bfloat16 else "float16"

    @cached_property
    def lora(self) -> dict[str, Any]:
        """Arguments of PEFT's ``LoraConfig``; none where all weights are trained."""
        return {} if self.trains_all else lora_arguments(self.configuration, self.architecture, self.recipe)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments that transformers' ``TrainingArguments`` and everything made of it understands."""
        recipe = self.recipe
        return {
            "max_steps": recipe.steps,
            "per_device_train_batch_size": recipe.batch_size,
            "gradient_accumulation_steps": self.accumulation,
            "learning_rate": recipe.learning_rate,
            "lr_scheduler_type": SCHEDULES[recipe.schedule],
            "warmup_steps": int(recipe.warmup_share * recipe.steps),
            "weight_decay": recipe.weight_decay,
            "optim": OPTIMIZERS[recipe.optimizer],
            "gradient_checkpointing": recipe.gradient_checkpointing,
            "bf16": self.bfloat16,
            "fp16": not self.bfloat16,
            "logging_steps": 10,
            "report_to": "none",
        }
