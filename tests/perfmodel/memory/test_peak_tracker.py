"""The highest moment: the largest sum, with the terms of that very moment."""

import numpy as np

from perfmodel.memory.peak_tracker import PeakTracker


def test_each_row_has_its_own_highest_moment():
    highest = PeakTracker(np.zeros(2, dtype=np.int64))
    highest.save_for_backward(np.array([10, 20]))
    highest.observe(np.array([5, 1]), weight=7)
    highest.save_for_backward(np.array([1, 30]))
    highest.observe(0, freed=np.array([1, 0]), gradients=2)
    assert highest.total.tolist() == [22, 52]
    assert {name: values.tolist() for name, values in highest.terms.items()} == {
        "kept": [10, 50],
        "attention": [0, 0],
        "working": [5, 0],
        "weight": [7, 0],
        "gradients": [0, 2],
    }


def test_moments_that_do_not_happen_are_not_looked_at():
    highest = PeakTracker(np.zeros(2, dtype=np.int64))
    highest.observe(np.array([3, 3]), when=np.array([True, False]))
    highest.observe(100, when=np.array([False, False]))
    assert highest.total.tolist() == [3, -1]
