"""Seconds of the predictor on the published traces: loading it, one configuration, and batches of a thousand.

Figures are of one thread: run it with OMP_NUM_THREADS=1 on an idle core.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from datasets_cache import resolve
from datasets_cache.shelf import load_shelf
from perfmodel.architecture import Architecture
from perfmodel.predictor import Predictor
from perfmodel.sampling import sample
from perfmodel.space import Space

SHELF = "smollm2-v0b"
TASK = "chain_sum"
BATCH = 1000
ROUNDS = 30


def main() -> None:
    """Prints one JSON line."""
    architecture = Architecture.from_config(resolve("smollm2-135m").config)
    space = Space.for_architecture(architecture)
    traces = [trace for trace in load_shelf(SHELF).traces if trace.asked.setting.task == TASK]
    vectors = sample(space, BATCH, np.random.default_rng(0))
    configurations = space.decode(vectors)
    with tempfile.TemporaryDirectory() as folder:
        Predictor.fit(traces, space, architecture).save(Path(folder))
        predictor = Predictor.load(Path(folder))
        load = _seconds(lambda: Predictor.load(Path(folder)))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    figures = {
        "one_ms": 1e3 * _seconds(lambda: predictor.predict_arrays(vectors[:1])),
        "batch_us_each": 1e6 * _seconds(lambda: predictor.predict_arrays(vectors)) / BATCH,
        "one_table_ms": 1e3 * _seconds(lambda: predictor.predict(configurations[:1])),
        "batch_table_us_each": 1e6 * _seconds(lambda: predictor.predict(configurations)) / BATCH,
        "load_ms": 1e3 * load,
        "import_perfmodel_s": median(_import_seconds() for _ in range(5)),
    }
    print(
        json.dumps(
            {
                "benchmark": "predictor_speed",
                "metrics": len(predictor.metrics),
                "surrogates": dict(predictor.record.chosen),
                "folder_bytes": size,
                **{name: round(value, 4) for name, value in figures.items()},
            }
        )
    )


def _seconds(call: Callable[[], object]) -> float:
    """Returns the least processor seconds of a call: other processes only add to them."""
    call()
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def _import_seconds() -> float:
    code = "import time; start = time.perf_counter(); import perfmodel; print(time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
