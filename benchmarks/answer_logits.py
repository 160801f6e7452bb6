"""Training step with logits at the answer tokens only, against logits everywhere: ratio of time and of peak memory.

Both steps are interleaved in one run on the embedded model; the ratios are medians over the rounds.
"""

import json
import time
from statistics import median

import torch
from rich.progress import track
from torch import nn
from torch.nn import functional as F

from collectors.adapters import ADAPTERS
from collectors.measuring.memory_and_time import CpuMemoryMeter
from collectors.scoring.batch import Batch, collate_examples
from collectors.scoring.encode import encode
from collectors.scoring.evaluate import answer_logits
from datasets_cache import load_model, load_task, load_tokenizer, resolve
from perfmodel.space.recipe import Recipe

ROUNDS = 5


def full_logits(model: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns logits at every position, and the targets, -1 where none is scored."""
    logits = model(input_ids=batch.ids, use_cache=False).logits
    return logits.flatten(0, 1).float(), batch.targets.flatten()


def adapted_model_and_batch() -> tuple[nn.Module, Batch]:
    """Returns SmolLM2 with LoRA of rank 8 on every linear module, and one batch of 8 examples."""
    base = resolve("smollm2-135m")
    frozen = load_model(base, dtype=torch.float32).requires_grad_(requires_grad=False)
    ranks = {
        name: 8 for name, module in frozen.get_decoder().named_modules(prefix="model") if isinstance(module, nn.Linear)
    }
    alphas = dict.fromkeys(ranks, Recipe().scaling_alpha(8))
    model = ADAPTERS["lora"].attach(frozen, ranks, alphas, dropout=0.0, peft_start=True)
    examples = encode(load_task("chain_sum").train[:8], load_tokenizer(base), 96)
    return model, collate_examples(examples, torch.device("cpu"))


def main() -> None:
    """Prints one JSON line."""
    torch.set_num_threads(1)
    model, batch = adapted_model_and_batch()
    seconds: dict[str, list[float]] = {"answer": [], "full": []}
    peaks: dict[str, int] = {}

    def step(name: str) -> None:
        logits, targets = (answer_logits if name == "answer" else full_logits)(model, batch)
        F.cross_entropy(logits, targets, ignore_index=-1).backward()
        model.zero_grad(set_to_none=True)

    for number in track(range(ROUNDS + 1), description="rounds"):
        for name in ("answer", "full") if number % 2 else ("full", "answer"):
            start = time.perf_counter()
            step(name)
            if number:
                seconds[name].append(time.perf_counter() - start)
    for name in seconds:
        meter = CpuMemoryMeter()
        with meter.step(lambda: 0):
            step(name)
        peaks[name] = meter.peak_bytes
    print(
        json.dumps(
            {
                "benchmark": "answer_logits",
                "rounds": ROUNDS,
                "tokens": batch.padded_tokens,
                "answer_tokens": batch.answer_tokens,
                "time_ratio": round(median(seconds["answer"]) / median(seconds["full"]), 3),
                "step_memory_ratio": round(peaks["answer"] / peaks["full"], 3),
                "step_memory_mb": {name: round(peak / 1e6, 1) for name, peak in peaks.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
