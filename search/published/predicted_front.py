"""The front of a predictor, by NSGA-II.

Notation:
    d: dimensions of the space.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.contract.archive import Archive
from search.contract.visited import Unseen
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
    met: Unseen,
    size: int,
    seed: int,
    hold: Callable[[NDArray[np.int64]], NDArray[np.int64]] = lambda vectors: vectors,
) -> NDArray[np.int64]:
    """Returns unmet configurations that are best by a predictor, spread over its front, shape ``(<= size, d)``.

    Args:
        space: the legal configurations.
        predict: from index vectors to their predicted evaluation.
        known: vectors that start the population beside stratified draws, shape ``(any, d)``.
        met: vectors that are not wanted.
        size: number wanted.
        seed: of the evolution.
        hold: sets the dimensions that are not searched.
    """
    evolution = NSGA2(space, len(predict(hold(known[:1])).objectives[0]), seed, population=_POPULATION)
    found = Archive(space, evolution.objectives)
    vectors = np.concatenate([known, evolution.ask_vectors(_POPULATION)])
    for _ in range(min(_MOST, _GENERATIONS + round(_PER_DIMENSION * len(space.cardinalities)))):
        vectors = np.unique(hold(vectors), axis=0)
        evaluation = predict(vectors)
        evolution.tell_vectors(vectors, evaluation)
        found.add(vectors, evaluation)
        vectors = evolution.ask_vectors(_POPULATION)
        if len(vectors) == 0:
            break
    fresh = Archive(space, evolution.objectives)
    unmet = _rows_of(found.vectors, met.fresh(found.vectors))
    fresh.add(found.vectors[unmet], found.rows(unmet))
    return fresh.vectors[survivors(fresh.rows(np.arange(len(fresh))), size)]


def _rows_of(vectors: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the row where each wanted vector first stands."""
    first: dict[bytes, int] = {}
    for row, vector in enumerate(vectors):
        first.setdefault(vector.tobytes(), row)
    return np.asarray([first[vector.tobytes()] for vector in wanted], dtype=np.int64)
