"""One trial as a careful user without this project would script it: a process of its own, PEFT, and Trainer.

Called by ``benchmarks/collect_throughput.py`` with the trial as JSON; prints its held-out loss as JSON.
"""

import json
import sys
import time
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

from collectors.pruning.importances import IMPORTANCES, layer_importances
from collectors.pruning.prune import decoder_layers, linear_modules, prune
from collectors.quantizers import QUANTIZERS
from perfmodel.model.architecture import Architecture

PROMPT_END = "\nAnswer:"


def encoded(tokenizer: Any, rows: list[list[str]], length: int) -> list[dict[str, list[int]]]:
    """Returns token ids and labels, the prompt's masked, of the examples that are short enough."""
    examples = []
    for question, answer in rows:
        prompt = tokenizer(question + PROMPT_END)["input_ids"]
        target = [*tokenizer(" " + answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        if len(prompt) + len(target) <= length:
            examples.append({"input_ids": prompt + target, "labels": [-100] * len(prompt) + target})
    return examples


def padded(batch: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """Returns a batch padded to its longest example."""
    longest = max(len(each["input_ids"]) for each in batch)
    fill = {"input_ids": 0, "labels": -100, "attention_mask": 0}
    rows = [{**each, "attention_mask": [1] * len(each["input_ids"])} for each in batch]
    return {
        name: torch.tensor([row[name] + [value] * (longest - len(row[name])) for row in rows])
        for name, value in fill.items()
    }


def prepared(asked: dict[str, Any]) -> nn.Module:
    """Returns the model: loaded, pruned, quantised layer by layer, adapted."""
    from peft import LoraConfig, get_peft_model

    model = AutoModelForCausalLM.from_pretrained(asked["model"], dtype=torch.float32)
    architecture = Architecture.from_config(model.config.to_dict())
    if asked["pruning_rate"]:
        importance = layer_importances(IMPORTANCES["taylor"], model, architecture, asked["calibration"], 0)
        prune(model, architecture, asked["pruning_rate"], importance)
    model.requires_grad_(requires_grad=False)
    ranks = {}
    for index, layer in enumerate(decoder_layers(model)):
        for name, (parent, attribute) in linear_modules(layer, architecture).items():
            quantizer = QUANTIZERS[asked["formats"][index]]
            setattr(parent, attribute, quantizer.quantize(getattr(parent, attribute), torch.float32))
            kind = "self_attn" if parent is layer.self_attn else "mlp"
            ranks[f"model.layers.{index}.{kind}.{name}"] = asked["ranks"][index]
    model.is_loaded_in_4bit = model.is_loaded_in_8bit = True
    targets = {name: rank for name, rank in ranks.items() if rank}
    settings = LoraConfig(
        r=max(targets.values()),
        lora_alpha=asked["alpha"],
        target_modules=list(targets),
        rank_pattern=targets,
        alpha_pattern=dict.fromkeys(targets, asked["alpha"]),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings)


def main() -> None:
    """Prints one JSON line."""
    asked = json.load(sys.stdin)
    start = time.perf_counter()
    tokenizer = AutoTokenizer.from_pretrained(asked["model"])
    model = prepared(asked)
    model.is_quantized = False  # Trainer refuses mixed formats that it did not make itself
    model.get_base_model().is_quantized = False
    arguments = TrainingArguments(
        output_dir=asked["folder"],
        max_steps=asked["steps"],
        per_device_train_batch_size=asked["batch_size"],
        learning_rate=asked["learning_rate"],
        lr_scheduler_type="cosine",
        warmup_steps=1,
        seed=asked["seed"],
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        remove_unused_columns=False,
        disable_tqdm=True,
        logging_strategy="no",
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=encoded(tokenizer, asked["train"], asked["max_length"]),
        eval_dataset=encoded(tokenizer, asked["held_out"], asked["max_length"])[: asked["eval_examples"]],
        data_collator=padded,
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    after = trainer.evaluate()["eval_loss"]
    print(json.dumps({"before": before, "after": after, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
