"""The front of a predictor, by NSGA-II.

Notation:
    n: vectors.
    d: dimensions of the space, ``1 + 2 * units``.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.contract.archive import Archive
from search.contract.setup import Setup
from search.contract.visited import Visited
from search.general.nsga2 import NSGA2
from search.models.predicted_objectives import PredictAll
from search.moves.survival import survivors

_POPULATION: Final = 50
# A step in each dimension takes more generations where there are more of them.
_GENERATIONS: Final = 5
_PER_DIMENSION: Final = 0.5
_MOST: Final = 40


def predicted_front(
    space: Space,
    predict: PredictAll,
    known: NDArray[np.int64],
    visited: Visited,
    size: int,
    seed: int,
    hold: Callable[[NDArray[np.int64]], NDArray[np.int64]] = lambda vectors: vectors,
) -> NDArray[np.int64]:
    """Returns unvisited configurations that are best by a predictor, spread over its front, shape ``(<= size, d)``.

    Args:
        space: the legal configurations.
        predict: from index vectors ``(n, d)`` to their predicted evaluation.
        known: index vectors that start the population beside stratified draws, shape ``(any, d)``, one or more.
        visited: vectors that are not wanted.
        size: number wanted, 1 or more.
        seed: of the evolution, 0 or more.
        hold: from index vectors ``(n, d)`` to the same with the dimensions set that are not searched.
    """
    objectives = predict(hold(known[:1])).objectives.shape[1]
    evolution = NSGA2(Setup(space, objectives, seed), population=_POPULATION)
    found = Archive(space, objectives)
    vectors = np.concatenate([known, evolution.ask_vectors(_POPULATION)])
    for _ in range(min(_MOST, _GENERATIONS + round(_PER_DIMENSION * len(space.cardinalities)))):
        vectors = np.unique(hold(vectors), axis=0)
        evaluation = predict(vectors)
        evolution.tell_vectors(vectors, evaluation)
        found.add(vectors, evaluation)
        vectors = evolution.ask_vectors(_POPULATION)
        if len(vectors) == 0:
            break
    rows = {vector.tobytes(): row for row, vector in reversed(list(enumerate(found.vectors)))}
    new = np.asarray([rows[vector.tobytes()] for vector in visited.new(found.vectors)], dtype=np.int64)
    return found.vectors[new[survivors(found.rows(new), size)]]
