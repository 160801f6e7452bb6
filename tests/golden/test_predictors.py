"""The shipped predictors answer as they did: mean, standard deviation and interval of every metric.

``predictors.npz`` holds the index vectors that are asked about and the answers; all shipped predictors share a space.
"""

from functools import cache

import numpy as np
import pytest
from compared import arrays, assert_arrays_agree, write_arrays
from project_names import Predictor, predictor_names

FILE = "predictors.npz"
RELEASE = "smollm2-v1b"
NAMES = tuple(name for name in predictor_names() if name.startswith(f"{RELEASE}/"))

VECTORS, EDGES = 2000, 200

STEPS = (0, 6, 12)
"""Where the learning curve is asked: at both measured steps before the last, and between them."""

FEW = 250
"""Vectors that the learning curve and the probability of a good end are asked about."""


@cache
def stored():
    return arrays(FILE)


@cache
def predictor(name):
    return Predictor.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_as_stored(name):
    expected = {key: values for key, values in stored().items() if key.startswith(f"{name}/")}

    assert_arrays_agree(answers(name, stored()["vectors"].astype(np.int64)), expected)


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_configurations_say_the_same(name):
    few = stored()["vectors"][::40].astype(np.int64)
    table = predictor(name).predict(predictor(name).record.space.decode(few))
    numbers = table.drop(columns="not_resolved")
    found = {f"{name}/{column}": numbers[column].to_numpy() for column in numbers}

    assert_arrays_agree(found, {key: stored()[key][::40] for key in found})


def answers(name, vectors):
    """Returns the answers of one predictor by name, metric and kind."""
    asked = predictor(name)
    configurations = asked.record.space.decode(vectors[:FEW])
    found = columns(asked.predict_arrays(vectors))
    for step in STEPS:
        curve = columns(asked.predict_arrays(vectors[:FEW], at=step))
        found |= {f"{key}_at_{step}": values for key, values in curve.items() if key.startswith("held_out_loss")}
    table = asked.probability_ok(configurations)
    found |= {f"probability_{column}": table[column].to_numpy() for column in table}
    return {f"{name}/{key}": values for key, values in found.items()}


def columns(prediction):
    found = {"outside_domain": prediction.outside_domain}
    for column, metric in enumerate(prediction.metrics):
        for ending, values in (("", prediction.mean), ("_std", prediction.std)):
            found[metric + ending] = values[:, column]
        found[f"{metric}_low"], found[f"{metric}_high"] = prediction.low[:, column], prediction.high[:, column]
    return found


def write():
    space = predictor(NAMES[0]).record.space
    assert all(predictor(name).record.space == space for name in NAMES)
    sizes = [len(space.pruning_rates), len(space.bits), len(space.ranks)]
    vectors = drawn(*sizes, space.units, np.random.default_rng(20260101))
    found = {"vectors": vectors.astype(np.uint8)}
    for name in NAMES:
        found |= answers(name, vectors)
    write_arrays(FILE, found)


def drawn(rates, bits, ranks, units, rng):
    """Returns index vectors, in random order: edges, then half uniform and half with means spread over their range."""
    count = (VECTORS - EDGES) // 2
    sizes = np.array([rates] + [bits] * units + [ranks] * units)
    rows = np.concatenate([edges(sizes, units), rng.integers(sizes, size=(count, len(sizes)))])
    spread = [np.arange(count)[:, None] % rates]
    for levels in (bits, ranks):
        means = rng.permutation(np.linspace(0, levels - 1, count))[:, None]
        rough = means + rng.uniform(0, levels / 2, (count, 1)) * rng.standard_normal((count, units))
        spread.append(np.clip(np.rint(rough), 0, levels - 1).astype(int))
    rows = rng.permutation(np.concatenate([rows, np.concatenate(spread, axis=1)]))
    bare = (rows[:, 1 + units :] == 0).all(axis=1)
    rows[bare, 1 + units + rng.integers(units, size=bare.sum())] = 1
    return rows


def edges(sizes, units):
    """Returns corners of rate, bits and ranks, and departures of a single unit from the middle."""
    low, middle, high = np.zeros_like(sizes), sizes // 2, sizes - 1
    ends = (low, middle, high)
    corners = [
        np.concatenate([[rate], widths[1 : 1 + units], ranks[1 + units :]])
        for rate in range(sizes[0])
        for widths in ends
        for ranks in ends
    ]
    single = []
    for place in range(1, len(sizes)):
        for end in (low, high):
            single.append(middle.copy())
            single[-1][place] = end[place]
    uniform = [
        np.concatenate([[0], np.full(units, width), np.full(units, rank)])
        for width in range(sizes[1])
        for rank in range(1, sizes[-1])
    ]
    return np.array((corners + single + uniform)[:EDGES])
