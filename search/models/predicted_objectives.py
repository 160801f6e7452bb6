"""Objectives of configurations that were not evaluated: exact where a closed form is known, else by a model.

Notation:
    n: results.
    c: candidates.
    d: dimensions of the space.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation

Floats = NDArray[np.float64]
Predict = Callable[[NDArray[np.int64]], Floats]
Fit = Callable[[NDArray[np.int64], Floats], Predict]
PredictAll = Callable[[NDArray[np.int64]], Evaluation]


def predicted_objectives(archive: Archive, knowledge: Knowledge, fit: Fit, fit_loss: Fit | None = None) -> PredictAll:
    """Returns a function from index vectors ``(c, d)`` to their predicted evaluation.

    Args:
        archive: at least one result.
        knowledge: the memory is not modelled where its closed form is there.
        fit: returns a model of one column of the results, from vectors ``(n, d)`` and values ``(n,)``.
        fit_loss: the same for the loss; ``fit`` when left out.
    """
    columns: list[Predict] = []
    for column in range(archive.objectives.shape[1]):
        if knowledge.memory is not None and column == knowledge.memory_objective:
            columns.append(knowledge.memory)
            continue
        fitting = fit_loss if fit_loss is not None and column == knowledge.loss_objective else fit
        columns.append(fitting(archive.vectors, archive.objectives[:, column]))
    broken = _violations(archive, knowledge, fit)

    def predict(vectors: NDArray[np.int64]) -> Evaluation:
        losses = np.column_stack([column(vectors) for column in columns])
        return Evaluation(losses, np.maximum(broken(vectors), 0.0))

    return predict


def _violations(archive: Archive, knowledge: Knowledge, fit: Fit) -> Predict:
    memory, budget = knowledge.memory, knowledge.budget
    if memory is not None and budget is not None:
        return lambda vectors: memory(vectors) / budget - 1.0
    if (archive.violations > 0).any():
        return fit(archive.vectors, archive.violations)
    return lambda vectors: np.zeros(len(vectors))
