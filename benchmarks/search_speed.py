"""Seconds for 20,000 evaluations of NSGA-II on a predictor, and for qLogNEHVI's 4 and our 8 proposals at 200 results.

Of the clock and of the processor; on a machine that does other work only the processor's say anything.
"""

import json
import time
from collections.abc import Callable

import numpy as np

from datasets_cache import resolve
from datasets_cache.shelf.shelf import load_shelf, newest_shelf
from perfmodel.memory.load import typical_load
from perfmodel.memory.peak import training_memory_terms
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.contract.knowledge import Knowledge
from search.contract.loop import run
from search.contract.problem import SurrogateProblem
from search.registry import searcher

OBJECTIVES = ("held_out_loss", "peak_memory_bytes")


def main() -> None:
    """Prints one JSON line."""
    traces = load_shelf(newest_shelf()).traces
    setting = traces[0].asked.setting
    architecture = Architecture.from_config(resolve("smollm2-135m").config)
    space = Space.for_architecture(architecture)
    own = [trace for trace in traces if trace.asked.setting.identifier == setting.identifier]
    predictor = Predictor.fit(own, space, architecture, metrics=OBJECTIVES)
    problem = SurrogateProblem(space, OBJECTIVES, predictor.predict_mean)
    load = typical_load([trace for trace in own if trace.ok])

    def memory(vectors: np.ndarray) -> np.ndarray:
        terms = training_memory_terms(
            architecture, space.decode(vectors), setting.recipe, load, device_class=setting.device_class
        )
        return np.sum(list(terms.values()), axis=0).astype(np.float64)

    vectors = sample(space, 200, np.random.default_rng(0))
    told = problem.evaluate_vectors(vectors)
    times = {"nsga2_20000_evaluations": _seconds(lambda: run(searcher("nsga2", space, 2, 0), problem, 20_000, 100))}
    for name, knowledge, batch in (("qlognehvi", Knowledge(), 4), ("joint", Knowledge(memory=memory), 8)):
        made = searcher(name, space, 2, 0, knowledge)
        # Whatever a search starts with is handed out before it proposes from results.
        made.ask(batch)
        made.tell_vectors(vectors, told)
        times[f"{name}_proposal_of_{batch}_at_200"] = _seconds(lambda made=made, batch=batch: made.ask(batch))
    surrogates = dict(predictor.record.chosen)
    print(
        json.dumps(
            {"benchmark": "search_speed", "dimensions": len(space.cardinalities), "surrogates": surrogates, **times}
        )
    )


def _seconds(work: Callable[[], object]) -> dict[str, float]:
    """Returns the seconds of the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return {"s": round(time.perf_counter() - clock, 2), "processor_s": round(time.process_time() - processor, 2)}


if __name__ == "__main__":
    main()
