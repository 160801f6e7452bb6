"""What cheap pairs taught is worth many dear ones."""

import numpy as np
from scipy.stats import spearmanr

from perfmodel.space.space import Space
from search import AdditiveProblem, RandomSearch, Setup, hypervolume, reference_point, run, searcher
from search.models.transferred_network import TransferredNetwork


def test_transfer_beats_the_network_that_starts_from_nothing_and_the_one_that_learns_nothing() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.random((400, 10))
    weights = rng.lognormal(0, 1, 10)
    cheap = inputs @ weights
    truth = inputs @ (weights * rng.lognormal(0, 0.4, 10)) + 0.2 * inputs[:, 0] * inputs[:, 1]
    dear, asked = slice(0, 12), slice(100, 400)
    taught = TransferredNetwork(inputs[12:], cheap[12:], 0)
    ignorant = TransferredNetwork(inputs[12:], rng.permutation(cheap[12:]), 0)
    transferred, scratch = (
        spearmanr(network.adapted(inputs[dear], truth[dear])(inputs[asked]), truth[asked])[0]
        for network in (taught, ignorant)
    )
    assert transferred > scratch + 0.1
    assert transferred > spearmanr(cheap[asked], truth[asked])[0] - 0.02
    assert transferred > 0.85


def test_adapting_leaves_what_it_knew() -> None:
    rng = np.random.default_rng(0)
    inputs, values = rng.random((60, 4)), rng.random(60)
    network = TransferredNetwork(inputs, values, 0)
    first = network.adapted(inputs[:8], values[:8])(inputs)
    network.adapted(inputs[8:20], 5 + values[8:20])
    np.testing.assert_array_equal(network.adapted(inputs[:8], values[:8])(inputs), first)


def test_better_than_random_draws_with_few_results(known) -> None:
    problem = AdditiveProblem(Space(6))
    reference = reference_point(problem.front())
    exact = hypervolume(problem.front(), reference)
    ours, random = (
        hypervolume(run(each, problem, 24, batch=8).objectives, reference) / exact
        for each in (searcher("apq", problem.space, 2, 0, known(problem)), RandomSearch(Setup(problem.space, 2, 0)))
    )
    assert ours > random + 0.03


def test_measured_losses_before_training_teach_beside_the_formula(known) -> None:
    problem = AdditiveProblem(Space(6))
    rng = np.random.default_rng(0)
    vectors = rng.integers(problem.space.cardinalities, size=(400, 13))
    # The formula knows nothing of the last unit's rank; the measured losses follow nothing else.
    losses = np.exp(-vectors[:, 12] / 3.0)
    told, untold = (
        searcher("apq", problem.space, 2, 0, known(problem, untrained=pairs), cheap=10)._network._network
        for pairs in ((vectors[:300], losses[:300]), None)
    )
    asked = problem.space.levels(vectors[300:])
    assert spearmanr(told.predict(asked), losses[300:])[0] > 0.9
    assert spearmanr(untold.predict(asked), losses[300:])[0] < 0.6
