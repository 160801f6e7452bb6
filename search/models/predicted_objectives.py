"""Objectives of configurations that were not evaluated: exact where a closed form is known, else by a model.

Notation:
    n: results.
    c: candidates.
    d: dimensions of the space.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation

Floats = NDArray[np.float64]
Predict = Callable[[NDArray[np.int64]], Floats]
Fit = Callable[[NDArray[np.int64], Floats], Predict]
PredictAll = Callable[[NDArray[np.int64]], Evaluation]

# Results that a model is fitted to: a Gaussian process of more takes too long.
MOST: Final = 400


def predicted_objectives(archive: Archive, knowledge: Knowledge, fit: Fit, fit_loss: Fit | None = None) -> PredictAll:
    """Returns a function from index vectors ``(c, d)`` to their predicted evaluation.

    Models are fitted to the front and the latest results, ``MOST`` together.

    Args:
        archive: one result or more.
        knowledge: its memory is used where it is there, and then memory is not modelled.
        fit: returns a model of one column of the results, from vectors ``(n, d)`` and values ``(n,)``.
        fit_loss: the same for the loss; ``fit`` when left out.
    """
    kept = archive.remembered(MOST)
    vectors, told = archive.vectors[kept], archive.rows(kept)
    columns: list[Predict] = []
    for column, values in enumerate(told.objectives.T):
        if knowledge.memory is not None and column == knowledge.memory_objective:
            columns.append(knowledge.memory)
        else:
            of_loss = fit_loss if column == knowledge.loss_objective else None
            columns.append((of_loss or fit)(vectors, values))
    memory, budget = knowledge.memory, knowledge.budget
    known = memory is not None and budget is not None
    modelled = fit(vectors, told.violations) if (told.violations > 0).any() and not known else None

    def violations(candidates: NDArray[np.int64]) -> Floats:
        if memory is not None and budget is not None:
            return memory(candidates) / budget - 1.0
        return np.zeros(len(candidates)) if modelled is None else modelled(candidates)

    def predict(candidates: NDArray[np.int64]) -> Evaluation:
        losses = np.column_stack([column(candidates) for column in columns])
        return Evaluation(losses, np.maximum(violations(candidates), 0.0))

    return predict
