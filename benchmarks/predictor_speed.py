"""Seconds of a predictor that is shipped: loading it, one configuration, and batches of a thousand.

Figures are of one thread: run it with OMP_NUM_THREADS=1 on an idle core. Beside it, in the same run, one query of YAHPO
Gym's LCBench, where ``YAHPO_PYTHON`` names an interpreter that has ``yahpo_gym`` with its data: it needs NumPy below 2
and an old ConfigSpace, so it cannot be installed beside this package.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from perfmodel.predictor.predictor import Predictor
from perfmodel.predictor.shipped import PREDICTOR_DATA, predictor_names
from perfmodel.space.sampling import sample

NAME = [name for name in predictor_names() if name.endswith("/chain_sum")][-1]
BATCH = 1000
ROUNDS = 200

YAHPO = """
import json, time
from yahpo_gym import BenchmarkSet
bench = BenchmarkSet("lcbench")
bench.set_instance(bench.instances[0])
asked = bench.config_space.sample_configuration(1).get_dictionary()
found = []
for _ in range(200):
    start = time.process_time()
    bench.objective_function(asked, seed=0)
    found.append(time.process_time() - start)
print(json.dumps({"yahpo_lcbench_one_ms": 1e3 * min(found)}))
"""


def main() -> None:
    """Prints one JSON line."""
    predictor = Predictor.load(NAME)
    vectors = sample(predictor.record.space, BATCH, np.random.default_rng(0))
    configurations = predictor.record.space.decode(vectors)
    one = vectors[:1].copy()
    figures = {
        "one_ms": 1e3 * _seconds(lambda: predictor.predict_arrays(one)),
        "batch_us_each": 1e6 * _seconds(lambda: predictor.predict_arrays(vectors)) / BATCH,
        "one_table_ms": 1e3 * _seconds(lambda: predictor.predict(configurations[:1])),
        "batch_table_us_each": 1e6 * _seconds(lambda: predictor.predict(configurations), 20) / BATCH,
        "load_ms": 1e3 * _seconds(lambda: Predictor.load(NAME), 20),
        "import_perfmodel_s": median(_import_seconds() for _ in range(5)),
    }
    files = [path for path in (PREDICTOR_DATA / NAME).rglob("*") if path.is_file()]
    print(
        json.dumps(
            {
                "benchmark": "predictor_speed",
                "predictor": NAME,
                "metrics": len(predictor.metrics),
                "surrogates": dict(predictor.record.chosen),
                "folder_bytes": sum(path.stat().st_size for path in files),
                **{name: round(value, 4) for name, value in figures.items()},
                **_yahpo(os.environ.get("YAHPO_PYTHON")),
            }
        )
    )


def _seconds(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Returns the least processor seconds of a call: other processes only add to them."""
    call()
    found = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def _yahpo(interpreter: str | None) -> dict[str, float | str]:
    """Returns the milliseconds of a query of YAHPO Gym, or why there are none."""
    if interpreter is None:
        return {"yahpo": "not timed: YAHPO_PYTHON names no interpreter that has yahpo_gym and its data"}
    done = subprocess.run([interpreter, "-c", YAHPO], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"yahpo": f"not timed: {done.stderr.strip().rpartition(chr(10))[2]}"}
    found: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return found


def _import_seconds() -> float:
    code = "import time; start = time.perf_counter(); import perfmodel; print(time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
