"""A made-up report record, for tests only: its numbers follow no model and were never measured."""

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfmodel.traces.trace import Asked, Measured, RanOn, Trace
from reports.report.record import RECORD_VERSION

LAYERS = 30


def known(value: float, spread: float) -> dict[str, float | None]:
    """Returns an estimate with an interval."""
    return {"value": value, "low": value - spread, "high": value + spread}


def runs(*values: float) -> dict[str, Any]:
    """Returns a measurement; one run has no interval."""
    mean = sum(values) / len(values)
    several = len(values) > 1
    ends = (
        {"low": min(values) - 0.01 * mean, "high": max(values) + 0.01 * mean}
        if several
        else {"low": None, "high": None}
    )
    return {"value": mean, **ends, "n": len(values), "values": list(values)}


def configuration(rng: random.Random, rate: float, bits: list[int], ranks: list[int]) -> dict[str, Any]:
    """Returns a configuration with bits and ranks drawn from a few values."""
    return {
        "pruning_rate": rate,
        "bits": [rng.choice(bits) for _ in range(LAYERS)],
        "ranks": [rng.choice(ranks) for _ in range(LAYERS)],
    }


def _front(rng: random.Random) -> list[dict[str, Any]]:
    front = []
    for place in range(14):
        memory = 3.1e8 + 1.6e7 * place
        loss = 0.95 + 0.9 * math.exp(-place / 4)
        bits = [2, 3, 4] if place < 5 else [3, 4, 8] if place < 10 else [4, 8, 16]
        front.append(
            {
                "id": f"c{place:02d}",
                "configuration": configuration(rng, round(0.4 - 0.1 * (place // 4), 1), bits, [0, 2, 8, 64]),
                "predicted": {"held_out_loss": known(loss, 0.08), "peak_memory_bytes": known(memory, 9e6)},
                "found_by": "nsga2",
                "outside_domain": place == 0,
            }
        )
    return front


def _validated(front: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    entries = []
    for number, place in enumerate((1, 4, 7, 11), start=1):
        point = front[place]
        loss = point["predicted"]["held_out_loss"]["value"] + rng.gauss(0.01, 0.04)
        memory = point["predicted"]["peak_memory_bytes"]["value"] * (1 + rng.gauss(0, 0.012))
        measured = {
            "held_out_loss": runs(loss, loss + 0.02, loss - 0.03) if number == 2 else runs(loss),
            "peak_memory_bytes": runs(memory, memory, memory) if number == 2 else runs(memory),
            "accuracy": runs(0.1 * number),
            "weight_bytes": runs(0.4 * memory),
        }
        entries.append({**point, "role": "front", "name": "ABCD"[number - 1], "measured": measured})
    plain = (
        ("random", "random 1", 3.9e8, 1.62),
        ("reference", "QLoRA", 4.2e8, 1.31),
        ("reference", "16-bit LoRA", 6.1e8, 0.93),
    )
    for role, name, memory, loss in plain:
        bits = {"QLoRA": [4], "16-bit LoRA": [16]}.get(name, [2, 3, 4, 8])
        ranks = [16] if role == "reference" else [0, 2, 8, 16, 64]
        predicted = {"held_out_loss": known(loss * 1.02, 0.1), "peak_memory_bytes": known(memory * 0.99, 1.1e7)}
        measured = {"held_out_loss": runs(loss), "peak_memory_bytes": runs(memory), "accuracy": runs(0.2)}
        rate = 0.0 if role == "reference" else 0.2
        entries.append(
            {"id": name, "role": role, "name": name, "configuration": configuration(rng, rate, bits, ranks)}
            | {"predicted": predicted, "measured": measured}
        )
    for entry in entries:
        entry |= {"seeds": [1], "status": {"ok": entry["measured"]["held_out_loss"]["n"]}, "reason": ""}
    return [*entries, _failed(rng)]


def _failed(rng: random.Random) -> dict[str, Any]:
    return {
        "id": "bad",
        "role": "random",
        "name": "random 2",
        "configuration": configuration(rng, 0.5, [8, 16], [32, 64]),
        "seeds": [1],
        "predicted": {"held_out_loss": known(2.2, 0.2), "peak_memory_bytes": known(5.5e8, 2e7)},
        "measured": {},
        "status": {"diverged": 1},
        "reason": "the loss was not finite at step 7",
    }


def _training(rng: random.Random) -> list[dict[str, Any]]:
    points = []
    for place in range(51):
        memory = rng.uniform(3.2e8, 6.4e8)
        loss = 1.0 + 2.4 * rng.random() ** 2 + max(0.0, (4.2e8 - memory) / 1.5e8)
        metrics = {"held_out_loss": loss, "peak_memory_bytes": memory, "accuracy": 0.1, "step_time_s": 3.0}
        points.append(
            {"configuration": f"t{place % 46}", "seed": place // 46, "source": "baseline" if place < 3 else "plan"}
            | {"status": "ok", "pruning_rate": 0.1, "mean_bits": 5.2, "mean_rank": 7.7}
            | {"adapted_share": 1.0, "metrics": metrics}
        )
    points[5] |= {"status": "oom", "metrics": {"held_out_loss": None, "peak_memory_bytes": None}}
    return points


def _scores() -> list[dict[str, Any]]:
    scores = []
    for metric, unit in (("held_out_loss", 0.2), ("peak_memory_bytes", 8e6)):
        for surrogate, ratio in (("constant", 1.0), ("boosted", 0.41), ("additive", 0.48)):
            flat = surrogate == "constant"
            nothing = {"value": None, "low": None, "high": None}
            scores.append(
                {"metric": metric, "surrogate": surrogate, "n_traces": 51, "n_configurations": 46}
                | {"r2": known(1 - ratio**2, 0.1), "spearman": nothing if flat else known(0.86, 0.07)}
                | {"kendall": nothing if flat else known(0.7, 0.08), "rmse": known(ratio * unit, 0.2 * unit)}
                | {"error_ratio_to_constant": known(ratio, 0.0 if flat else 0.12), "coverage_90": known(0.88, 0.06)}
                | {"width_90": known(0.5, 0.04)}
            )
    return scores


def _effects() -> dict[str, Any]:
    axes = [
        {"axis": axis, "spread": known(abs(ratio) * 0.005, 0.001), "change": known(ratio * 0.02, spread * 0.02)}
        | {"ratio": known(ratio, spread), "spread_ratio": known(abs(ratio) / 4, 0.2)}
        | {"variance_share": known(share, 0.05), "verdict": verdict}
        for axis, ratio, spread, share, verdict in (
            ("pruning_rate", 22.0, 5.0, 0.31, "matters"),
            ("bits", 41.0, 8.0, 0.55, "matters"),
            ("rank", -0.4, 1.6, 0.01, "no effect seen"),
        )
    ]
    noise = {"std": {"value": 0.0204, "low": 0.0131, "high": 0.0448}, "repeats": 5, "configurations": 4}
    return {
        "metric": "held_out_loss",
        "log": True,
        "n_traces": 51,
        "n_configurations": 46,
        "noise": noise,
        "axes": axes,
    }


def _hypervolume() -> dict[str, Any]:
    evaluations = list(range(50, 2001, 50))

    def course(speed: float, top: float) -> dict[str, Any]:
        return {"evaluations": evaluations, "values": [top * (1 - math.exp(-count / speed)) for count in evaluations]}

    searchers = {"nsga2": course(300, 2.1e8), "random": course(420, 1.8e8), "qlognehvi": course(180, 2.06e8)}
    return {"reference": [4.0, 6.5e8], "searchers": searchers, "seeds": 1}


@pytest.fixture
def record() -> dict[str, Any]:
    """Returns a whole record of the newest version."""
    rng = random.Random(0)
    front = _front(rng)
    check = {"n": 7, "inside_interval": 6, "mean_absolute_error": 0.04, "mean_absolute_relative_error": 0.031}
    versions = {"torch": "2.13.0", "transformers": "5.23.0", "xgboost": "3.2.0"}
    return {
        "version": RECORD_VERSION,
        "name": "default",
        "created_at": "2026-01-01T12:00:00+01:00",
        "command": "bench run default --set validation.seeds=1",
        "folder": "runs/default",
        "elapsed_s": 812.0,
        "rank_load": 42.0,
        "setting": {
            "model": "smollm2-135m",
            "model_sha256": "a" * 64,
            "task": "chain_sum",
            "task_description": "Sums of a few numbers, written out; the answer is the total.",
            "task_sha256": "b" * 64,
            "recipe": {"steps": 30, "batch_size": 8, "learning_rate": 1e-3, "alpha": 16.0, "alpha_rule": "fixed"},
            "device_class": "cpu",
            "identifier": "c" * 16,
        },
        "environment": {"device_name": "Intel Xeon", "driver": "", "cores": 2, "threads": 1}
        | {"code_version": "0613374", "versions": versions},
        "counts": {
            "prior_traces": 51,
            "collected": 4,
            "validated": 8,
            "failed": 1,
            "prior_source": "smollm2-v1b",
            "left_out": {},
        },
        "objectives": ["held_out_loss", "peak_memory_bytes"],
        "budget": {"peak_memory_bytes": 4.5e8},
        "question_blind": {"accuracy": 0.0, "loss": 1.449},
        "training_points": _training(rng),
        "front": front,
        "validation": _validated(front, rng),
        "surrogates": {"held_out_loss": "boosted", "peak_memory_bytes": "additive"},
        "scores": _scores(),
        "prediction_check": {"held_out_loss": check, "peak_memory_bytes": {**check, "inside_interval": 7}},
        "hypervolume": _hypervolume(),
        "effects": _effects(),
        "effects_reason": "",
        "checksums": {"traces.parquet": "d" * 64, "shelf smollm2-v1b": "e" * 64},
    }


@pytest.fixture
def bare_record(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record of a run that only predicted: nothing measured, no effects, one searcher, no baselines."""
    nothing = {"value": None, "low": None, "high": None}
    for point in record["front"]:
        point["predicted"]["held_out_loss"] |= {"low": None, "high": None}
    record["front"][3]["predicted"]["held_out_loss"] = nothing
    searchers = {"nsga2": record["hypervolume"]["searchers"]["nsga2"]}
    return record | {
        "validation": [],
        "prediction_check": {},
        "scores": [],
        "budget": {},
        "question_blind": {"accuracy": None, "loss": None},
        "effects": None,
        "effects_reason": "held_out_loss has 0 repeated runs of a configuration",
        "training_points": [point for point in record["training_points"] if point["source"] != "baseline"],
        "hypervolume": {**record["hypervolume"], "searchers": searchers},
    }


MODEL_CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 8,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 40,
    "tie_word_embeddings": True,
}
"""Two of its eight layers can be pruned; no linear module has a side below 32."""


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a checkpoint that can be resolved and tokenised with, but is no model: it holds one tensor."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("tiny-model")
    (folder / "config.json").write_text(json.dumps(MODEL_CONFIG))
    save_file({"model.norm.weight": np.ones(64, dtype=np.float32)}, folder / "model.safetensors")
    words = ["<unk>", "<eos>", "plus", "Answer:", *map(str, range(30))]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(special))
    return folder


@pytest.fixture(scope="session")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a task of a hundred sums."""
    path = tmp_path_factory.mktemp("task") / "sums.jsonl"
    pairs = [(left, right) for left in range(10) for right in range(10)]
    lines = [json.dumps({"question": f"{left} plus {right}", "answer": str(left + right)}) for left, right in pairs]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def suite_values(model_folder: Path, task_file: Path) -> dict[str, Any]:
    """Returns the smallest suite whose every stage has something to do."""
    return {
        "name": "fake",
        "model": str(model_folder),
        "task": str(task_file),
        "device": "cpu",
        "recipe": {"steps": 4, "curve_points": 1},
        "space": {"pruning_rates": [0.0, 0.25, 0.5], "bits": [2, 4, 8, 16], "ranks": [0, 4, 8, 16]},
        "collect": {"configurations": 14, "repeated": 4, "baselines": True, "seeds": [0, 1]},
        "fit": {"surrogates": ["constant", "additive"], "metrics": ["held_out_loss", "accuracy", "peak_memory_bytes"]},
        "search": {"evaluations": {"random": 80}, "batch": 40},
        "validate": {"front": 2, "random": 1, "references": 1, "reference_runs": 2, "seeds": [101, 102]},
    }


@dataclass
class FakeRunner:
    """Makes traces by a formula: bits and pruning move the loss, bits and rank the memory, the seed adds noise.

    Args:
        outcome: turns a trial into its status; a test lets some of them fail.
        asked: every trial that it was given.
    """

    outcome: Callable[[Asked], str] = lambda asked: "ok"
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Trace:
        self.asked.append(asked)
        configuration, noise = asked.configuration, random.Random(asked.key).gauss(0, 0.01)
        ran_on = RanOn("Fake", "", 2, 1, {"torch": "2.13.0"}, "c0de", "2026-01-01T00:00:00Z", "fake")
        status = self.outcome(asked)
        if status != "ok":
            return Trace(asked, Measured(status, f"made to be {status}"), ran_on)
        errors = [(4.0 ** (2 - bits)) for bits in configuration.bits]
        loss = math.exp(-0.5 + configuration.pruning_rate + sum(errors) / len(errors) + noise)
        memory = 1e6 * (1 - 0.3 * configuration.pruning_rate) * sum(configuration.bits) + 1e5 * sum(configuration.ranks)
        times = {"step_time_s": 0.5, "step_time_p95_s": 0.6, "prepare_time_s": 2.0, "eval_time_s": 1.0}
        measured = Measured(
            "ok",
            held_out_loss=loss,
            accuracy=min(1.0, max(0.0, 1.0 - 0.4 * loss)),
            accuracy_examples=15,
            peak_memory_bytes=int(memory),
            weight_bytes=int(1e5 * sum(configuration.bits)),
            adapter_bytes=int(1e4 * sum(configuration.ranks)),
            largest_batch_tokens=64,
            largest_batch_answer_tokens=16,
            left_out=(3, 0, 1),
            **times,
        )
        return Trace(asked, measured, ran_on)


@pytest.fixture
def fake_runner() -> Callable[..., FakeRunner]:
    """Returns the class of the fake runner."""
    return FakeRunner
