"""Traces per hour against a naive script on the same plan, and what our loop costs over bare PyTorch.

The plan is twelve short trials of SmolLM2 on ``chain_sum``: the seven uniform baselines and five stratified
configurations, some of them pruned. Ours is a campaign with a worker of one thread on every core and an empty
library of quantised modules, and once more with the library that it left, as every later campaign on that base model
finds it; the naive script makes each trial in a process of its own with all cores (``naive/trial.py``). All evaluate
before and after the fine-tune, on the same examples. The trials are as short as a pilot's: the longer they are, the
nearer both ways come to the time of their arithmetic alone.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.progress import track
from torch.nn import functional as F

from collectors.campaign.campaign import run_campaign
from collectors.campaign.stratified_plan import plan
from collectors.executors import LocalExecutor
from collectors.scoring.evaluate import answer_logits
from collectors.trial import finetune as loop
from collectors.trial.model_builder import ModelBuilder
from collectors.trial.optimizers import make_optimizer
from collectors.trial.trial import TrialRunner
from datasets_cache import load_task, resolve
from datasets_cache.files.cache import cache_folder
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Setting

RECIPE = Recipe(steps=2, curve_points=1, eval_examples=16)
NAIVE = Path(__file__).parent / "naive" / "trial.py"
TASK = "chain_sum"
LOOP_STEPS, LOOP_ROUNDS = 24, 3
"""As many steps as a trial of the shelf: two of them are recorded for their peak memory, which takes longer."""


def trials() -> list[Asked]:
    """Returns the plan."""
    base, task = resolve("smollm2-135m"), load_task(TASK)
    space = Space.for_architecture(Architecture.from_config(base.config))
    setting = Setting("smollm2-135m", base.sha256, TASK, task.sha256, RECIPE, "cpu")
    return plan(space, setting, configurations=5, repeated=0, seeds=(0,), plan_seed=7)


def ours(planned: Sequence[Asked], store_path: Path) -> tuple[float, dict[str, float]]:
    """Returns the seconds that a campaign took, its workers' start included, and the losses by key."""
    workers = os.cpu_count() or 1
    make_runner = functools.partial(TrialRunner, 1, "throughput")
    executor = LocalExecutor(make_runner, workers=workers, threads=1, timeout_s=3600, campaign="throughput")
    start = time.perf_counter()
    with TraceStore.writer(store_path) as store:
        run_campaign(planned, store, executor)
        seconds = time.perf_counter() - start
        return seconds, {trace.asked.key: trace.measured.held_out_loss or float("nan") for trace in store}


def naive(asked: Asked, folder: Path) -> tuple[float, float]:
    """Returns the seconds that a naive trial took, its process's start included, and its loss."""
    base, task, methods = resolve("smollm2-135m"), load_task(TASK), asked.configuration.methods
    values: dict[str, Any] = {
        **RECIPE.to_dict(),
        "model": str(base.folder),
        "folder": str(folder),
        "seed": asked.seed,
        "pruning_rate": asked.configuration.pruning_rate,
        "formats": [methods.format_of(bits) for bits in asked.configuration.bits],
        "ranks": asked.configuration.ranks,
        "train": [[each.question, each.answer] for each in task.train],
        "held_out": [[each.question, each.answer] for each in task.held_out],
        "calibration": _calibration(),
    }
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(NAIVE)], input=json.dumps(values), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return time.perf_counter() - start, json.loads(done.stdout.splitlines()[-1])["after"]


@functools.cache
def _calibration() -> list[tuple[int, ...]]:
    from collectors.scoring.encode import encode
    from datasets_cache import load_tokenizer

    examples = encode(load_task(TASK).calibration, load_tokenizer(resolve("smollm2-135m")), RECIPE.max_length)
    return [example.prompt + example.answer for example in examples]


def loop_ratio() -> tuple[float, list[float]]:
    """Returns the seconds of our loop over those of a bare one, interleaved, on the same model and batches."""
    torch.set_num_threads(1)
    builder = ModelBuilder(trials()[0].setting)
    built = builder.build(Configuration.uniform(30, bits=16, rank=8), seed=0)
    parameters = [parameter for parameter in built.model.parameters() if parameter.requires_grad]
    recipe = Recipe(steps=LOOP_STEPS, curve_points=1)
    optimizers = {name: make_optimizer(parameters, recipe) for name in ("ours", "bare")}
    batches = list(loop.batches(builder.train, recipe, 0, builder.device))
    built.model.train()

    def bare() -> None:
        for batch in batches:
            logits, targets = answer_logits(built.model, batch)
            F.cross_entropy(logits, targets).backward()
            optimizers["bare"].step()
            optimizers["bare"].zero_grad(set_to_none=True)

    def whole() -> None:
        loop.finetune(
            built.model,
            optimizers["ours"],
            builder.train,
            recipe,
            seed=0,
            device=builder.device,
            resident_bytes=built.weight_bytes + built.adapter_bytes,
            after_step=lambda _: None,
        )

    ratios = []
    loop._step(built.model, optimizers["bare"], batches[0], recipe, 0)  # the first is slow, whoever makes it
    for number in track(range(LOOP_ROUNDS), description="loop against bare PyTorch"):
        seconds = {}
        for name, run in (("ours", whole), ("bare", bare)) if number % 2 else (("bare", bare), ("ours", whole)):
            start = time.perf_counter()
            run()
            seconds[name] = time.perf_counter() - start
        ratios.append(seconds["ours"] / seconds["bare"])
    return median(ratios), ratios


def main() -> None:
    """Prints one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("loop", "throughput"), help="measure one of the two")
    only = parser.parse_args().only
    result: dict[str, Any] = {}
    if only != "loop":
        result |= throughput()
        print(json.dumps(result), file=sys.stderr)
    if only != "throughput":
        ratio, ratios = loop_ratio()
        result |= {"loop_steps": LOOP_STEPS, "loop_over_bare": round(ratio, 4)}
        result["loop_ratios"] = [round(each, 4) for each in ratios]
    print(json.dumps(result))


def throughput() -> dict[str, Any]:
    """Returns traces per hour of both ways over the plan."""
    planned = trials()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cache = folder / "cache"
        cache.mkdir()
        (cache / "base_models").symlink_to(cache_folder() / "base_models")
        os.environ["PERFMODEL_CACHE"] = str(cache)  # an empty library: what ours quantises, it quantises in this run
        first_seconds, losses = ours(planned, folder / "first.sqlite")
        later_seconds, _ = ours(planned, folder / "later.sqlite")
        print(f"ours: {first_seconds:.0f} s, then {later_seconds:.0f} s", file=sys.stderr)
        naive_seconds, gaps = 0.0, []
        for asked in track(planned[::-1], description="naive trials"):  # the pruned ones first
            seconds, loss = naive(asked, folder / "naive")
            naive_seconds += seconds
            print(f"naive {asked.configuration.identifier}: {seconds:.0f} s, loss {loss:.3f}", file=sys.stderr)
            gaps.append(abs(loss - losses[asked.key]))
    return {
        "trials": len(planned),
        "first_campaign_per_hour": round(3600 * len(planned) / first_seconds, 1),
        "later_campaign_per_hour": round(3600 * len(planned) / later_seconds, 1),
        "naive_per_hour": round(3600 * len(planned) / naive_seconds, 1),
        "first_campaign_over_naive": round(naive_seconds / first_seconds, 2),
        "later_campaign_over_naive": round(naive_seconds / later_seconds, 2),
        "largest_loss_gap": round(max(gaps), 3),
    }


if __name__ == "__main__":
    main()
