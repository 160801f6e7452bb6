"""Python scripts for PEFT, TRL, Unsloth and DeepSpeed: each loads the model, adapts it and trains."""

from collections.abc import Mapping
from pprint import pformat
from typing import Any

from reports.training_files.training import Training

OUTPUT = "output"
ZERO_2 = {
    "zero_optimization": {"stage": 2},
    "bf16": {"enabled": "auto"},
    "fp16": {"enabled": "auto"},
    "gradient_accumulation_steps": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "train_batch_size": "auto",
    "gradient_clipping": "auto",
}
"""Optimiser states and gradients are spread over the cards; "auto" is what ``TrainingArguments`` says.

Source: transformers' documentation of DeepSpeed, section ZeRO.
"""

_BLOCKS = """

def blocks(rows):
    ids = [token for text in rows["text"] for token in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]]
    whole = [ids[start : start + LENGTH] for start in range(0, len(ids) - LENGTH + 1, LENGTH)]
    return {"input_ids": whole, "labels": whole}


data = data.map(blocks, batched=True, batch_size=None, remove_columns=data.column_names)
"""


def peft_script(training: Training, head: str) -> str:
    """Returns the script for PEFT and transformers' Trainer; examples are joined and cut to whole blocks."""
    return _with_trainer(training, head, {})


def deepspeed_script(training: Training, head: str) -> str:
    """Returns PEFT's script under DeepSpeed's ZeRO 2, one process a card."""
    return _with_trainer(training, head, {"deepspeed": ZERO_2})


def trl_script(training: Training, head: str) -> str:
    """Returns the script for TRL's SFTTrainer, with packed examples."""
    adapters = "" if training.trains_all else f"peft_config=LoraConfig(**{_plain(training.lora)}), "
    imports = ["from trl import SFTConfig, SFTTrainer"]
    return f"""{head}{_imports(training, imports, trainer=False)}{_loaded(training, '"auto"')}
settings = SFTConfig(use_cpu=not torch.cuda.is_available(), **{_plain(_packed(training))})
trainer = SFTTrainer(model=model, args=settings, train_dataset=data, {adapters}processing_class=tokenizer)
trainer.train()
trainer.save_model("{OUTPUT}")
"""


def unsloth_script(training: Training, head: str) -> str:
    """Returns the script for Unsloth's own loading of models and TRL's SFTTrainer."""
    lora = {name: value for name, value in training.lora.items() if name != "task_type"}
    way = '"unsloth"' if training.recipe.gradient_checkpointing else "False"
    adapted = (
        ""
        if training.trains_all
        else f"""model = FastLanguageModel.get_peft_model(
    model, use_gradient_checkpointing={way}, **{_plain(lora)}
)
"""
    )
    loading = {
        "max_seq_length": training.recipe.max_length,
        "load_in_4bit": training.bits == 4,
        "load_in_8bit": training.bits == 8,
        "full_finetuning": training.trains_all,
    }
    return f"""{head}from unsloth import FastLanguageModel  # before transformers, which it changes
import torch
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

data = load_dataset({training.data!r}, split="train")
model, tokenizer = FastLanguageModel.from_pretrained(
    {training.model!r}, dtype=torch.{training.type_name}, **{_plain(loading)}
)
{adapted}settings = SFTConfig(**{_plain(_packed(training))})
SFTTrainer(model=model, args=settings, train_dataset=data, processing_class=tokenizer).train()
model.save_pretrained("{OUTPUT}")
tokenizer.save_pretrained("{OUTPUT}")
"""


def _packed(training: Training) -> dict[str, Any]:
    # "wrapped" cuts examples at the length: no attention kernel beside torch's own is needed.
    packing = {"max_length": training.recipe.max_length, "packing": True, "packing_strategy": "wrapped"}
    return {"output_dir": OUTPUT, **training.arguments, **packing}


def _with_trainer(training: Training, head: str, more: Mapping[str, Any]) -> str:
    place = '{"": int(os.environ.get("LOCAL_RANK", "0"))}' if more else '"auto"'
    adapted = "" if training.trains_all else f"model = get_peft_model(model, LoraConfig(**{_plain(training.lora)}))\n"
    arguments = _plain({"output_dir": OUTPUT, **training.arguments, **more})
    loaded = _loaded(training, place if training.bits < 16 or not more else "None")
    return f"""{head}{"import os" + chr(10) * 2 if more else ""}{_imports(training, [], trainer=True)}LENGTH = {
        training.recipe.max_length
    }
{loaded}{adapted}{_BLOCKS}
settings = TrainingArguments(use_cpu=not torch.cuda.is_available(), **{arguments})
Trainer(model=model, args=settings, train_dataset=data, data_collator=default_data_collator).train()
model.save_pretrained("{OUTPUT}")
tokenizer.save_pretrained("{OUTPUT}")
"""


def _imports(training: Training, more: list[str], *, trainer: bool) -> str:
    peft = [] if training.trains_all else ["LoraConfig", *(["get_peft_model"] if trainer else [])]
    peft += ["prepare_model_for_kbit_training"] if training.bits < 16 else []
    names = ["AutoModelForCausalLM", "AutoTokenizer", *(["BitsAndBytesConfig"] if training.bits < 16 else [])]
    names += ["Trainer", "TrainingArguments", "default_data_collator"] if trainer else []
    lines = ["import torch", "from datasets import load_dataset"]
    lines += [f"from peft import {', '.join(peft)}"] if peft else []
    return "\n".join([*lines, f"from transformers import {', '.join(names)}", *more, "", ""])


def _loaded(training: Training, place: str) -> str:
    """Returns the lines that load data, tokenizer and model, prepared as PEFT advises where it is quantised."""
    kind = f"torch.{training.type_name}"
    # Weights of which all are trained in float16 would be updated in float16: transformers keeps them in float32 then.
    kind = "torch.float32" if training.trains_all and not training.bfloat16 else kind
    four = f"load_in_4bit=True, bnb_4bit_compute_dtype={kind}, **{training.four_bits}"
    stored = f"BitsAndBytesConfig({four if training.bits == 4 else 'load_in_8bit=True'})"
    extra = f"    quantization_config={stored},\n" if training.bits < 16 else ""
    way = training.recipe.gradient_checkpointing
    prepared = f"model = prepare_model_for_kbit_training(model, use_gradient_checkpointing={way})\n"
    inputs = "model.enable_input_require_grads()\n" if way and training.bits == 16 and not training.trains_all else ""
    return f"""
data = load_dataset({training.data!r}, split="train")
tokenizer = AutoTokenizer.from_pretrained({training.model!r})
model = AutoModelForCausalLM.from_pretrained(
    {training.model!r},
    dtype={kind},
    device_map={place},
{extra})
{prepared if training.bits < 16 else inputs}"""


def _plain(values: Mapping[str, Any]) -> str:
    return pformat(dict(values), width=110, sort_dicts=False)
