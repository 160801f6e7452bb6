"""Prints how far the closed form of peak memory is from every measured peak and from dry runs; JSON on the last line.

Run: python benchmarks/memory_error.py [--store TRACES.sqlite ...] [--write perfmodel/memory/memory_errors.json]
[--quick]

No trace was used for any constant of the closed form: it has none that is fitted. A trace records the most padded
tokens and the most answer tokens of any batch, which may be two batches: where they are, the estimate is too high.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from dry_run_cases import cases
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datasets_cache import resolve
from datasets_cache.shelf.shelf import load_shelf, newest_shelf
from perfmodel import Trace, TraceStore
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import training_memory, training_memory_terms
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

ASSUMED_CUDA = (-0.05, 0.15)
"""Bounds of the interval on CUDA, where nothing has been measured: an assumption."""


def main() -> None:
    """Prints both tables and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, action="append", default=[], help="a trace store beside the shelf")
    parser.add_argument("--write", type=Path, help="where to write the errors that intervals are made of")
    parser.add_argument("--quick", action="store_true", help="measured peaks only")
    options = parser.parse_args()
    traces = [*load_shelf(newest_shelf()).traces, *(trace for path in options.store for trace in TraceStore(path))]
    console = Console()
    errors = measured_errors(traces)
    record: dict[str, object] = {
        "benchmark": "memory_error",
        "measured": _told(console, "measured peaks (CPU)", errors),
    }
    if options.write:
        _write(options.write, errors)
    if not options.quick:
        record["dry_runs"] = _told(console, "dry runs", dry_run_errors())
    record["configurations_per_s"] = round(speed())
    print(json.dumps(record))


def measured_errors(traces: Sequence[Trace]) -> dict[str, list[float]]:
    """Returns the relative errors of the closed form, estimate over measurement less 1, by kind of configuration."""
    names = {trace.asked.setting.model for trace in traces}
    architectures = {name: Architecture.from_config(resolve(name).config) for name in names}
    found = defaultdict(list)
    for trace in traces:
        setting, measured = trace.asked.setting, trace.measured
        if not trace.ok or setting.device_class != "cpu":
            continue
        peak, tokens = measured.peak_memory_bytes, measured.largest_batch_tokens
        answers, batch = measured.largest_batch_answer_tokens, setting.recipe.batch_size
        assert peak is not None
        assert tokens is not None
        assert answers is not None
        load = BatchLoad(batch, tokens // batch, answers)
        estimate = training_memory(
            architectures[setting.model], trace.asked.configuration, setting.recipe, load, device_class="cpu"
        )
        found[f"{setting.task}: {_kind(trace.asked.configuration)}"].append(estimate.allocated / peak - 1)
    return dict(found)


def _kind(configuration: Configuration) -> str:
    if configuration.is_uniform:
        return f"uniform {configuration.bits[0]} bits, rank {configuration.ranks[0]}"
    pruned = "pruned, " if configuration.pruning_rate else ""
    return f"{pruned}mixed, {'some ranks 0' if 0 in configuration.ranks else 'all ranks above 0'}"


def dry_run_errors() -> dict[str, list[float]]:
    """Returns the relative errors of the closed form against dry runs, by kind."""
    found = defaultdict(list)
    with Progress(transient=True) as progress:
        for case in progress.track(list(cases())):
            found[case.kind].append(case.error())
    return dict(found)


def speed() -> float:
    """Returns the configurations of Llama-2-7B's shape that are computed in a second, in batch, each different."""
    config = {"model_type": "llama", "hidden_size": 4096, "vocab_size": 32000, "num_hidden_layers": 32}
    architecture = Architecture.from_config(config | {"num_attention_heads": 32, "intermediate_size": 11008})
    generator = np.random.default_rng(0)
    bits, ranks = (generator.choice(values, (10_000, 32)) for values in ([2, 3, 4, 8, 16], [0, 2, 4, 8, 16, 32, 64]))
    many = [Configuration(0.0, tuple(b), tuple(r)) for b, r in zip(bits.tolist(), ranks.tolist(), strict=True)]
    start = time.perf_counter()
    training_memory_terms(architecture, many, Recipe(), BatchLoad(8, 512, 512), device_class="cuda")
    return len(many) / (time.perf_counter() - start)


def _told(console: Console, title: str, errors: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Prints the errors by kind, and returns their summary over all."""
    table = Table("kind", "count", "mean absolute", "lowest", "highest", title=f"estimate / {title} - 1")
    for kind, values in sorted(errors.items()):
        told = (f"{mean(map(abs, values)):.2%}", f"{min(values):+.2%}", f"{max(values):+.2%}")
        table.add_row(kind, str(len(values)), *told)
    console.print(table)
    every = [value for values in errors.values() for value in values]
    absolute = [abs(value) for value in every]
    within = sum(value <= 0.02 for value in absolute)
    rounded = {"mean_absolute": round(mean(absolute), 5), "worst": round(max(absolute), 5)}
    return {"count": len(every), "within_2_percent": within, **rounded}


def _write(path: Path, errors: Mapping[str, Sequence[float]]) -> None:
    """Writes what the measurement was over the estimate, less 1: the sign in which an interval needs it."""
    ratios = sorted(round(1 / (1 + value) - 1, 9) for values in errors.values() for value in values)
    record = {
        "cpu": {"traces": len(ratios), "relative_errors": ratios},
        "cuda": {"traces": 0, "relative_errors": [], "assumed": ASSUMED_CUDA},
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
