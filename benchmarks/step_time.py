"""Predicted beside measured seconds of real training steps of SmolLM2, after a calibration of the present CPU.

The calibration sees none of these configurations: it times products, memory, dequantisation and steps of small random
models. Configurations are interleaved over rounds, and the fastest step of each counts, since on a shared machine the
others are someone else's. The published traces' own times vary by a factor of four and are not used.
"""

import json
import time
from dataclasses import dataclass, replace
from statistics import mean

import torch
from rich.progress import Progress

from collectors.calibrate import STAGES, calibrate
from collectors.encode import Encoded
from collectors.finetune import finetune
from collectors.optimizers import make_optimizer
from collectors.workshop import Built, Workshop
from datasets_cache import load_task, resolve
from perfmodel.recipe import Recipe
from perfmodel.space import Configuration
from perfmodel.timing import step_time, step_work
from perfmodel.trace import Setting
from perfmodel.training_memory import Load

ROUNDS = 2
STEPS = 4
LAYERS = 30


@dataclass(frozen=True)
class Case:
    """One step that is timed."""

    name: str
    configuration: Configuration
    load: Load
    checkpointing: bool = False


def _uniform(bits: int, rank: int, rate: float = 0.0) -> Configuration:
    return Configuration.uniform(LAYERS, bits=bits, rank=rank, pruning_rate=rate)


MIXED = Configuration(0.0, (8,) * 10 + (4,) * 10 + (3,) * 10, (0,) * 15 + (16,) * 15)
CASES = (
    Case("16 bits, rank 8", _uniform(16, 8), Load(4, 32, 20)),
    Case("8 bits, rank 8", _uniform(8, 8), Load(4, 32, 20)),
    Case("4 bits, rank 8", _uniform(4, 8), Load(4, 32, 20)),
    Case("3 bits, rank 8", _uniform(3, 8), Load(4, 32, 20)),
    Case("4 bits, rank 64", _uniform(4, 64), Load(4, 32, 20)),
    Case("4 bits, rank 8, 40 % pruned", _uniform(4, 8, 0.4), Load(4, 32, 20)),
    Case("4 bits, rank 8, short", _uniform(4, 8), Load(1, 32, 5)),
    Case("4 bits, rank 8, long", _uniform(4, 8), Load(8, 48, 40)),
    Case("16 bits, rank 16, checkpointing", _uniform(16, 16), Load(4, 32, 20), checkpointing=True),
    Case("mixed, adapters in the upper half", MIXED, Load(4, 32, 20)),
)


def main() -> None:
    """Prints one JSON line."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    with Progress() as progress:
        task = progress.add_task("calibrating", total=STAGES["cpu"])
        profile = calibrate("cpu", lambda _: progress.advance(task))
        calibrated = time.perf_counter() - start
        workshop = _workshop()
        task = progress.add_task("building", total=len(CASES))
        built = []
        for case in CASES:
            built.append(workshop.build(case.configuration, 0))
            progress.advance(task)
        fastest = [float("inf")] * len(CASES)
        task = progress.add_task("steps", total=ROUNDS * len(CASES))
        for _ in range(ROUNDS):
            for index, case in enumerate(CASES):
                fastest[index] = min(fastest[index], _seconds(built[index], case))
                progress.advance(task)
    rows = []
    for case, seconds in zip(CASES, fastest, strict=True):
        work = step_work(workshop.architecture, case.configuration, _recipe(case), case.load, device_class="cpu")
        predicted = step_time(work, profile)
        shares = {
            name: round(getattr(predicted, name) / predicted.seconds, 2)
            for name in ("products", "dequantization", "moving", "overhead")
        }
        error = round(predicted.seconds / seconds - 1, 3)
        rows.append({"case": case.name, "measured_s": round(seconds, 3), "error": error, "shares": shares})
    errors = [abs(row["error"]) for row in rows]
    summary = {"mean_error": round(mean(errors), 3), "worst_error": max(errors), "cases": len(rows), "traces": 0}
    calibration = {"seconds": round(calibrated, 1), "fit_errors": profile.details["fit_errors"]}
    print(json.dumps({"benchmark": "step_time", **summary, "calibration": calibration, "rows": rows}))


def _recipe(case: Case) -> Recipe:
    return Recipe(
        steps=STEPS,
        curve_points=1,
        batch_size=case.load.batch_size,
        max_length=case.load.length,
        gradient_checkpointing=case.checkpointing,
    )


def _workshop() -> Workshop:
    base, task = resolve("smollm2-135m"), load_task("chain_sum")
    recipe = replace(_recipe(CASES[0]), max_length=96)
    return Workshop(Setting("smollm2-135m", base.sha256, "chain_sum", task.sha256, recipe, "cpu"))


def _seconds(built: Built, case: Case) -> float:
    recipe, load = _recipe(case), case.load
    answer = load.answer_tokens // load.batch_size
    ids = torch.randint(100, 40_000, (load.batch_size, load.length)).tolist()
    examples = [Encoded(tuple(row[:-answer]), tuple(row[-answer:])) for row in ids]
    optimizer = make_optimizer([each for each in built.model.parameters() if each.requires_grad], recipe)
    device = torch.device("cpu")
    training = finetune(
        built.model, optimizer, examples, recipe, seed=0, device=device, resident_bytes=0, after_step=lambda _: None
    )
    return min(training.step_seconds)


if __name__ == "__main__":
    main()
