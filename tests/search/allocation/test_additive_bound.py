"""Bounds hold, every optimum survives the reduction, and little is left of a large program."""

import itertools

import numpy as np
import pytest

from search.allocation.additive_bound import lower_bound, worth_solving

ADAPTED = np.array([False, True, True, True])


def instance(seed: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns falling costs and rising bytes of four choices a unit, few sizes so that ties occur."""
    rng = np.random.default_rng(seed)
    costs = np.sort(rng.random((units, 4)) * rng.lognormal(0, 1, (units, 1)), axis=1)[:, ::-1].copy()
    sizes = np.sort(rng.integers(1, 6, (units, 4)), axis=1).astype(float)
    return costs, sizes


def optima(costs: np.ndarray, sizes: np.ndarray, limit: float) -> tuple[float, list[tuple[int, ...]]]:
    """Returns the least cost and every choice that has it, by trying all."""
    rows, found = np.arange(len(costs)), {}
    for chosen in itertools.product(range(4), repeat=len(costs)):
        places = np.asarray(chosen)
        if sizes[rows, places].sum() <= limit and ADAPTED[places].any():
            found[chosen] = costs[rows, places].sum()
    least = min(found.values(), default=np.inf)
    return least, [chosen for chosen, cost in found.items() if cost <= least + 1e-12]


@pytest.mark.parametrize("seed", range(6))
def test_no_optimum_is_lost_and_the_bound_lies_below_it(seed: int) -> None:
    costs, sizes = instance(seed, 4)
    least_bytes = sizes.min(axis=1).sum()
    for limit in np.arange(least_bytes, sizes.max(axis=1).sum() + 1):
        least, best = optima(costs, sizes, limit)
        assert lower_bound(costs, sizes, limit) <= least + 1e-9
        if not best:
            continue
        kept, known = worth_solving(costs, sizes, limit, ADAPTED)
        assert all(kept[np.arange(4), list(chosen)].all() for chosen in best)
        if known is not None:
            assert sizes[np.arange(4), known].sum() <= limit
            assert costs[np.arange(4), known].sum() >= least - 1e-12


def test_nothing_fits_below_the_smallest() -> None:
    costs, sizes = instance(0, 4)
    assert lower_bound(costs, sizes, sizes.min(axis=1).sum() - 1) == np.inf
    excluded = costs.copy()
    excluded[0, :3] = np.inf
    assert lower_bound(excluded, sizes, sizes[0, 3] + sizes[1:].min(axis=1).sum() - 1) == np.inf


def test_a_large_program_is_reduced_to_a_few_choices() -> None:
    rng = np.random.default_rng(1)
    costs = np.sort(rng.random((40, 4)), axis=1)[:, ::-1].copy()
    sizes = np.cumsum(rng.random((40, 4)), axis=1)
    limit = 0.6 * sizes.max(axis=1).sum()
    kept, known = worth_solving(costs, sizes, limit, ADAPTED)
    assert kept.sum() < 70
    assert kept.any(axis=1).all()
    assert known is not None
    cost, bound = costs[np.arange(40), known].sum(), lower_bound(costs, sizes, limit)
    assert bound <= cost <= 1.02 * bound


def test_a_solution_without_an_adapter_is_none() -> None:
    costs, sizes = np.array([[0.0, 1.0, 2.0, 3.0]] * 2), np.ones((2, 4))
    kept, known = worth_solving(costs, sizes, 2.0, ADAPTED)
    assert known is None
    assert kept.all()
