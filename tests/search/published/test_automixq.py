"""4 and 8 bits in the pruned layers only, at one rate and one rank; random as released, by models as published."""

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, run, searcher

SPACE = Space(14)


def test_four_and_eight_bits_in_the_pruned_layers_and_sixteen_elsewhere() -> None:
    for configuration in searcher("automixq", SPACE, 2, 0).ask(20):
        assert set(configuration.bits[4:-2]) <= {4, 8}
        assert set(configuration.bits[:4] + configuration.bits[-2:]) == {16}
        assert configuration.pruning_rate == 0.3
        assert set(configuration.ranks) == {8}


def test_layers_of_several_modules_stay_whole_with_all_of_them() -> None:
    for configuration in searcher("automixq", SPACE, 2, 0, modules=2).ask(2):
        assert set(configuration.bits[:8] + configuration.bits[-4:]) == {16}
        assert set(configuration.bits[8:-4]) <= {4, 8}


def test_as_released_results_change_nothing(known) -> None:
    problem = AdditiveProblem(SPACE)
    told, untold = (searcher("automixq", SPACE, 2, 0, initial=1000) for _ in range(2))
    asked = told.ask(10)
    assert asked == untold.ask(10)
    told.tell(asked, problem.evaluate(asked))
    assert told.ask(10) == untold.ask(10)


def test_as_published_the_models_lower_the_loss_at_equal_bytes(known) -> None:
    problem = AdditiveProblem(SPACE, 3)
    history = run(searcher("automixq", SPACE, 2, 0, known(problem), initial=24), problem, 48, batch=8)
    losses, sizes = history.objectives.T
    line = np.polyfit(sizes[:24], losses[:24], 2)
    residual = losses - np.polyval(line, sizes)
    assert residual[24:].mean() < residual[:24].mean() - 0.3 * residual[:24].std()
