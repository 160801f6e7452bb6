"""Seconds for 20,000 evaluations of NSGA-II on a predictor, and for a qLogNEHVI proposal of 4 at 200 points."""

import json
import time

import numpy as np

from datasets_cache import resolve
from datasets_cache.shelf import load_shelf
from perfmodel.architecture import Architecture
from perfmodel.predictor import Predictor
from perfmodel.sampling import sample
from perfmodel.space import Space
from search.loop import run
from search.problem import SurrogateProblem
from search.searchers import searcher

OBJECTIVES = ("held_out_loss", "peak_memory_bytes")


def main() -> None:
    """Prints one JSON line."""
    traces = load_shelf("smollm2-v0").traces
    setting = traces[0].asked.setting.identifier
    architecture = Architecture.from_config(resolve("smollm2-135m").config)
    space = Space.for_architecture(architecture)
    own = [trace for trace in traces if trace.asked.setting.identifier == setting]
    predictor = Predictor.fit(own, space, architecture, metrics=OBJECTIVES)
    problem = SurrogateProblem(space, OBJECTIVES, predictor.predict_mean)
    start = time.perf_counter()
    run(searcher("nsga2", space, 2, 0), problem, 20_000, 100)
    nsga2_s = time.perf_counter() - start
    bayesian = searcher("qlognehvi", space, 2, 0)
    vectors = sample(space, 200, np.random.default_rng(0))
    bayesian.tell_vectors(vectors, problem.evaluate_vectors(vectors))
    start = time.perf_counter()
    bayesian.ask(4)
    proposal_s = time.perf_counter() - start
    print(
        json.dumps(
            {
                "benchmark": "search_speed",
                "dimensions": len(space.cardinalities),
                "surrogates": dict(predictor.record.chosen),
                "nsga2_20000_evaluations_s": round(nsga2_s, 2),
                "qlognehvi_proposal_of_4_at_200_s": round(proposal_s, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
