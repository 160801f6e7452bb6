"""Seconds of a plan for a 70B Llama: within a process that has imported the planner, and from the shell."""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import training_memory_terms
from perfmodel.model.architecture import Architecture
from perfmodel.planner.gpu_cards import GIB
from perfmodel.planner.planner import make_plan
from perfmodel.planner.question import Question
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_RATES, Configuration

ROUNDS = 7
BATCH = 5000
CONFIG = {
    "model_type": "llama",
    "hidden_size": 8192,
    "vocab_size": 128256,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "max_position_embeddings": 131072,
}


def main() -> None:
    """Prints one JSON line."""
    architecture = Architecture.from_config(CONFIG)
    question = Question(architecture, Recipe(gradient_checkpointing=True), BatchLoad(1, 1024, 1024), 80 * GIB)
    first = _seconds(lambda: make_plan(question))
    again = median(_seconds(lambda: make_plan(question)) for _ in range(ROUNDS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(CONFIG))
        command = [sys.executable, "-m", "reports.cli.main", "plan", "--model", str(path), "--gpu", "H100 80GB"]
        shell = [_shell(command) for _ in range(ROUNDS)]
        bare = [_shell([sys.executable, "-c", "import perfmodel"]) for _ in range(ROUNDS)]
    figures = {
        "first_plan_s": round(first, 4),
        "plan_s": round(again, 4),
        "shell_s": round(median(shell), 3),
        "shell_fastest_s": round(min(shell), 3),
        "import_perfmodel_s": round(median(bare), 3),
        "configurations_per_s": round(_rate(architecture, question)),
    }
    print(json.dumps({"benchmark": "plan_speed", "rounds": ROUNDS, "layers": 80, **figures}))


def _rate(architecture: Architecture, question: Question) -> float:
    """Returns the configurations a second, mixed in rate, bits and ranks, whose peak memory is worked out."""
    draw, layers = random.Random(0), len(architecture.layers)  # noqa: S311 - any configurations will do
    mixed = [
        Configuration(
            draw.choice(DEFAULT_RATES),
            tuple(draw.choices((2, 3, 4, 8, 16), k=layers)),
            tuple(draw.choices((2, 8, 64), k=layers)),
        )
        for _ in range(BATCH)
    ]
    seconds = median(
        _seconds(
            lambda: training_memory_terms(
                architecture, mixed, question.recipe, question.load, device_class=question.device_class
            )
        )
        for _ in range(3)
    )
    return BATCH / seconds


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _shell(command: list[str]) -> float:
    return _seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


if __name__ == "__main__":
    main()
