"""Seconds to load all published traces, and to load and filter a million rows, with the peak memory of each.

The million are the published rows drawn again and again under new keys: they are for speed only, lie in a temporary
folder while this runs, and say nothing about fine-tuning.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from datasets_cache.shelf.shelf import load_shelf, newest_shelf, shelf_file, shelf_names

ROWS = 1_000_000
ROUNDS = 5

SHELVES = "from datasets_cache.shelf.shelf import load_shelf, shelf_names; [load_shelf(name) for name in shelf_names()]"
FILTERED = """
from pathlib import Path
from perfmodel.traces.parquet import read_table
conditions = [("task", "==", "chain_sum"), ("status", "==", "ok"), ("pruning_rate", "<=", 0.2)]
kept = read_table(Path({path!r}), where=conditions)
assert 0 < len(kept) < {rows}
"""
FILTERED_SCORES = FILTERED.replace("where=", 'columns=["key", "pruning_rate", "held_out_loss", "accuracy"], where=')


def main() -> None:
    """Prints one JSON line."""
    first = _seconds_of_shelves()  # imports included
    again = median(_seconds_of_shelves() for _ in range(ROUNDS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synthetic.parquet"
        _write(path)
        size = path.stat().st_size / 1e6
        whole, scores = (_measured(code.format(path=str(path), rows=ROWS)) for code in (FILTERED, FILTERED_SCORES))
    figures = {
        "traces": sum(len(load_shelf(name).traces) for name in shelf_names()),
        "first_load_s": round(first, 3),
        "load_s": round(again, 3),
        "own_process": _measured(SHELVES),
        "rows": ROWS,
        "file_mb": round(size, 1),
        "filtered_all_columns": whole,
        "filtered_scores": scores,
    }
    print(json.dumps({"benchmark": "load_traces", "rounds": ROUNDS, **figures}))


def _seconds_of_shelves() -> float:
    start = time.perf_counter()
    for name in shelf_names():
        load_shelf(name)
    return time.perf_counter() - start


def _write(path: Path) -> None:
    """Writes the synthetic rows in groups of a hundred thousand."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from perfmodel.traces.columns import TRACE_VERSION
    from perfmodel.traces.parquet import read_table

    real = read_table(shelf_file(newest_shelf()))
    text = pa.types.is_dictionary
    plain = [(each.name, each.type.value_type if text(each.type) else each.type) for each in real.schema]
    schema = pa.schema(plain, metadata={"perfmodel.trace_version": str(TRACE_VERSION)})
    draw = np.random.default_rng(0)
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for start in range(0, ROWS, ROWS // 10):
            rows = real.take(pa.array(draw.integers(len(real), size=ROWS // 10)))
            keys = pa.array([f"{number:012x}" for number in range(start, start + ROWS // 10)])
            writer.write_table(rows.set_column(0, "key", keys).cast(schema))


def _measured(code: str) -> dict[str, float]:
    """Returns the seconds, on the clock and of processors, and the peak memory that code takes after its imports."""
    program = (
        "import resource, time\n"
        "import pyarrow.parquet, perfmodel.traces.parquet, datasets_cache.shelf.shelf\n"
        f"start, used = time.perf_counter(), time.process_time()\n{code}\n"
        "print(time.perf_counter() - start, time.process_time() - used, "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = [
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
        for _ in range(3)
    ]
    seconds, cpu, peak = (sorted(map(float, values))[1] for values in zip(*done, strict=True))
    return {"s": round(seconds, 3), "cpu_s": round(cpu, 3), "peak_mb": round(peak / 1000)}


if __name__ == "__main__":
    main()
