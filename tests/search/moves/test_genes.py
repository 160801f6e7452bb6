"""Genes travel whole, and mutation goes to neighbours only."""

import numpy as np

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.moves.genes import cross, to_neighbours

SPACE = Space(12)


def test_each_unit_has_the_bits_and_the_rank_of_one_parent() -> None:
    rng = np.random.default_rng(0)
    first, second = sample(SPACE, 50, rng), sample(SPACE, 50, rng)
    children = cross(SPACE, first, second, rng)
    genes, of_first, of_second = (
        np.stack([vectors[:, 1:13], vectors[:, 13:]], axis=2) for vectors in (children, first, second)
    )
    from_first, from_second = (genes == of_first).all(axis=2), (genes == of_second).all(axis=2)
    assert (from_first | from_second).all()
    apart = ~(from_first & from_second)
    assert 0.4 < from_first[apart].mean() < 0.6
    assert (children[:, 0] == first[:, 0]).all()


def test_mutation_goes_one_choice_up_or_down() -> None:
    rng = np.random.default_rng(0)
    before = np.full((400, 25), 2)
    change = to_neighbours(SPACE, before, np.full(12, 1 / 12), rng) - before
    assert np.abs(change).max() == 1
    assert (change[:, 0] == 0).all()
    assert (np.abs(change).sum(axis=1) >= 1).all()
    assert (np.abs(change[:, 1:13]) & np.abs(change[:, 13:])).sum() == 0
    assert (np.abs(change[:, 1:]) > 0).any(axis=0).all()


def test_chances_decide_which_units_move() -> None:
    rng = np.random.default_rng(0)
    chances = np.linspace(0, 0.5, 12)
    before = np.full((4000, 25), 2)
    moved = to_neighbours(SPACE, before, chances, rng, ranks_too=False) - before
    assert (moved[:, 13:] == 0).all()
    share = (moved[:, 1:13] != 0).mean(axis=0)
    np.testing.assert_allclose(share, chances, atol=0.04)
