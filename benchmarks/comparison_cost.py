"""Processor seconds of one search by each contender of a comparison, on the surrogate of a shelf's task.

    python benchmarks/comparison_cost.py smollm2-v1b chain_sum 200 joint random milp

On a machine that does other work the clock says little; the processor's seconds say most of it.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from datasets_cache import resolve
from datasets_cache.shelf.shelf import load_shelf
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Space
from reports.comparison.command import BATCH
from reports.run.known import known_sensitivities
from search.comparison.runs import Plan, run_job
from search.comparison.tasks import StoredTasks, setting_traces, store_task


def main(shelf: str, task: str, evaluations: int, names: tuple[str, ...]) -> None:
    """Prints one JSON line a contender: its own seconds, and those with the surrogate's answers."""
    traces = load_shelf(shelf).traces
    architecture = Architecture.from_config(resolve(traces[0].asked.setting.model).config)
    space = Space.for_architecture(architecture, methods=traces[0].asked.configuration.methods)
    own = setting_traces(traces, task, space)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        known = known_sensitivities(own[0].asked.setting, space)
        store_task(folder, task, own, space, architecture, known)
        tasks = StoredTasks(folder)
        plan = Plan(names, (task,), (0,), evaluations, BATCH, 1)
        # What libraries take to load is no part of any search.
        run_job(Plan(("joint",), (task,), (0,), 16, BATCH, 1), ("joint", task, 1), tasks, folder)
        for name in names:
            began = time.process_time()
            record = run_job(plan, (name, task, 0), tasks, folder)
            whole = time.process_time() - began
            said = {"benchmark": "comparison_cost", "shelf": shelf, "task": task, "evaluations": evaluations}
            own_s = record.get("overhead_s")
            seconds = {"own_s": own_s and round(own_s, 2), "with_answers_s": round(whole, 2)}
            print(json.dumps({**said, "contender": name, "status": record["status"], **seconds}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), tuple(sys.argv[4:]))
