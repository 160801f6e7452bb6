"""YAML for Axolotl and LLaMA-Factory."""

from typing import Any

import yaml

from perfmodel.errors import InvalidConfigurationError
from reports.training_files.training import OPTIMIZERS, SCHEDULES, Training

AXOLOTL_NAMES = {
    "r": "lora_r",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "target_modules": "lora_target_modules",
    "layers_to_transform": "peft_layers_to_transform",
    "rank_pattern": "lora_rank_pattern",
    "alpha_pattern": "lora_alpha_pattern",
    "use_rslora": "peft_use_rslora",
    "use_dora": "peft_use_dora",
}
"""Axolotl's name of each argument of PEFT's ``LoraConfig`` that it takes."""


def axolotl(training: Training, head: str) -> str:
    """Returns a configuration of Axolotl.

    Source: Axolotl 0.19, ``utils/schemas``.
    """
    recipe, lora = training.recipe, training.lora
    values: dict[str, Any] = {
        "base_model": training.model,
        "load_in_4bit": training.bits == 4,
        "load_in_8bit": training.bits == 8,
        "datasets": [{"path": training.data, "type": "completion", "field": "text"}],
        "output_dir": "output",
        "sequence_len": recipe.max_length,
        "sample_packing": True,
        "pad_to_sequence_len": True,
        "micro_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": training.accumulation,
        "max_steps": recipe.steps,
        "optimizer": OPTIMIZERS[recipe.optimizer],
        "lr_scheduler": SCHEDULES[recipe.schedule],
        "learning_rate": recipe.learning_rate,
        "warmup_steps": int(recipe.warmup_share * recipe.steps),
        "weight_decay": recipe.weight_decay,
        "bf16": training.bfloat16,
        "fp16": not training.bfloat16,
        "gradient_checkpointing": recipe.gradient_checkpointing,
        "attn_implementation": "sdpa",
    }
    if training.bits == 4:
        values["bnb_config_kwargs"] = training.four_bits
    if lora:
        values["adapter"] = "qlora" if training.bits == 4 else "lora"
        values |= {AXOLOTL_NAMES[name]: value for name, value in lora.items() if name in AXOLOTL_NAMES}
        values["lora_alpha"] = int(values["lora_alpha"])
    return head + _yaml(values)


def llama_factory(training: Training, head: str) -> str:
    """Returns a configuration of LLaMA-Factory; the data set has the columns instruction, input and output.

    Raises:
        InvalidConfigurationError: when ranks differ between modules, which it cannot say.

    Source: LLaMA-Factory 0.9.5, ``hparams``.
    """
    recipe, lora = training.recipe, dict(training.lora)
    if "rank_pattern" in lora or "layers_to_transform" in lora:
        raise InvalidConfigurationError(
            "adapters that are not alike in all layers", "LLaMA-Factory gives all of them one rank", "use peft or trl"
        )
    values: dict[str, Any] = {
        "model_name_or_path": training.model,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full" if training.trains_all else "lora",
        "dataset_dir": "ONLINE",  # the data set is a hub id or a folder, without a dataset_info.json
        "dataset": training.data,
        "template": "empty",
        "cutoff_len": recipe.max_length,
        "packing": True,
        "output_dir": "output",
        **training.arguments,
    }
    if training.bits < 16:
        values |= {
            "quantization_method": "bnb",
            "quantization_bit": training.bits,
            "double_quantization": training.four_bits["bnb_4bit_use_double_quant"],
        }
    values["disable_gradient_checkpointing"] = not values.pop("gradient_checkpointing")
    if lora:
        values |= {
            "lora_rank": lora["r"],
            "lora_alpha": int(lora["lora_alpha"]),
            "lora_dropout": lora["lora_dropout"],
            "lora_target": ",".join(lora["target_modules"]),
        }
        values |= {name: True for name in ("use_rslora", "use_dora") if name in lora}
    return head + _yaml(values)


def _yaml(values: dict[str, Any]) -> str:
    return yaml.safe_dump(values, sort_keys=False, width=110)
