"""Curvature times error is minimised exactly within each budget, at one rate and one rank."""

from dataclasses import replace

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, searcher
from search.contract.visited import every

SPACE = Space(3, pruning_rates=(0.0, 0.5), bits=(2, 4, 16), ranks=(4, 8))


def test_the_least_weighted_error_of_all_within_the_budget(known) -> None:
    knowledge = known(AdditiveProblem(SPACE, 2), budget=62.0)
    sensitivities = knowledge.sensitivities
    vector = searcher("hawq", SPACE, 2, 0, knowledge).ask_vectors(1)[0]
    listed = every(SPACE)
    listed = listed[(listed[:, 0] == 0) & (listed[:, 4:] == 1).all(axis=1) & (knowledge.memory(listed) <= 62.0)]

    def weighted(vectors):
        return (sensitivities.gradient_norm**2 * sensitivities.weight_error[range(3), vectors[:, 1:4]]).sum(axis=1)

    assert weighted(vector[None])[0] == weighted(listed).min()


def test_curvature_decides_who_gets_the_bits(known) -> None:
    knowledge = known(AdditiveProblem(SPACE, 2), budget=54.0)
    for steep in range(3):
        norms = np.where(np.arange(3) == steep, 10.0, 1.0)
        sensitivities = replace(knowledge.sensitivities, gradient_norm=norms)
        vector = searcher("hawq", SPACE, 2, 0, replace(knowledge, sensitivities=sensitivities)).ask_vectors(1)[0]
        assert vector[1:4].argmax() == steep
