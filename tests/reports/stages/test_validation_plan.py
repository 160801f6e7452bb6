"""Which configurations are fine-tuned to check a front."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration, Space
from reports.report.choice import Noise
from reports.stages.searching import worth_a_choice
from reports.stages.validation_plan import Wanted, choose_candidates, references

SPACE = Space(6, (0.0, 0.5), (2, 4, 8, 16), (0, 4, 16))
WANTED = Wanted(3, 2, 3, {}, 1.0, Noise(0.02, False, 5), "peak_memory_bytes", 0)


def memory(configuration):
    return sum(configuration.bits) * (1 - configuration.pruning_rate) + 0.1 * sum(configuration.ranks)


def loss(configuration):
    """Two bits learn nothing, and beyond 4 bits next to nothing is gained."""
    return sum(1.2 if bits == 2 else 0.3 + 0.1 / bits for bits in configuration.bits) / len(configuration.bits)


class FakePredictor:
    """Predicts by formulas, and is wrong by a tenth at most.

    Args:
        metrics: that it knows.
    """

    def __init__(self, metrics=("held_out_loss", "peak_memory_bytes"), space=SPACE):
        self.record, self._metrics = SimpleNamespace(space=space), metrics

    def predict(self, configurations):
        values = {"held_out_loss": loss, "peak_memory_bytes": memory}
        columns = {}
        for name in self._metrics:
            columns[name] = [values[name](each) for each in configurations]
            columns[f"{name}_high"] = [1.1 * value for value in columns[name]]
        return pd.DataFrame(columns)


def by_role(candidates, role):
    return [each.configuration for each in candidates if each.role == role]


def choose(points, seen=frozenset(), predictor=None, **changes):
    return choose_candidates(predictor or FakePredictor(), points, seen, replace(WANTED, **changes))


@pytest.fixture(scope="module")
def front():
    """From all layers at 2 bits to all at 16, one layer more at a time."""
    steps = [(2, 4)] * 6 + [(4, 8)] * 6 + [(8, 16)] * 6
    bits, found = [2] * 6, [Configuration(0.0, (2,) * 6, (4,) * 6)]
    for place, (_, wider) in enumerate(steps):
        bits[place % 6] = wider
        found.append(Configuration(0.0, tuple(bits), (4,) * 6))
    return found


def test_points_of_the_front_are_letters_by_rising_memory(front):
    candidates = choose(front)
    picked = by_role(candidates, "front")

    assert [each.name for each in candidates if each.role == "front"] == ["A", "B", "C"]
    assert [memory(each) for each in picked] == sorted(memory(each) for each in picked)
    assert len(by_role(candidates, "random")) == 2


def test_what_may_be_recommended_is_run(front):
    picked = by_role(choose(front), "front")
    limit = min(map(loss, front)) + 0.02

    assert min((each for each in front if loss(each) <= limit), key=memory) in picked  # smallest within noise
    assert min((each for each in front if 1.1 * loss(each) < 1.0), key=memory) in picked  # least that still works


def test_within_a_budget_the_best_that_surely_fits_is_run(front):
    budget = {"peak_memory_bytes": 35.0}
    inside = [each for each in front if 1.1 * memory(each) <= 35.0]

    (only,) = by_role(choose(front, budget=budget, front=1), "front")
    assert only == min((each for each in inside if loss(each) <= min(map(loss, inside)) + 0.02), key=memory)


@pytest.mark.parametrize("blind", [1.0, 0.6])
def test_nothing_is_run_that_is_predicted_to_learn_nothing(front, blind):
    picked = by_role(choose(front, blind_loss=blind, front=9), "front")

    assert picked
    assert all(loss(each) < blind for each in picked)
    assert not by_role(choose(front, blind_loss=0.1), "front")


def test_references_are_those_that_people_know():
    assert [(each.name, each.configuration.bits[0], each.configuration.ranks[0]) for each in references(SPACE)] == [
        ("16-bit LoRA", 16, 16),
        ("QLoRA", 4, 16),
        ("8-bit LoRA", 8, 16),
    ]
    assert [each.name for each in references(Space(6, (0.0,), (3, 4), (0, 8, 32)))] == ["QLoRA"]
    assert references(Space(6, (0.5,), (4,), (8,))) == []


def test_what_a_model_saw_is_not_chosen(front):
    seen = frozenset(front[::2]) | frozenset(stratified(SPACE, 50, 0))
    candidates = choose(front, seen)
    chosen = by_role(candidates, "front") + by_role(candidates, "random")

    assert len(chosen) == 5
    assert not seen & set(chosen)
    assert not by_role(choose(front, frozenset(front)), "front")


def test_without_a_predicted_loss_the_front_is_spread_along_the_resource(front):
    picked = by_role(choose(front, predictor=FakePredictor(("peak_memory_bytes",))), "front")

    assert (picked[0], picked[-1]) == (front[0], front[-1])


def test_roles_may_be_left_out_and_another_seed_draws_other_random_ones(front):
    assert {each.role for each in choose(front, random=0, references=0)} == {"front"}
    first, again, other = (by_role(choose(front, seed=seed), "random") for seed in (0, 0, 1))
    assert first == again != other


def test_a_front_keeps_what_gains_more_than_noise_over_every_smaller_point():
    objectives = np.array([[1.0, 1.0], [0.99, 2.0], [0.9, 3.0], [0.89, 4.0], [0.5, 5.0]])
    names = ("held_out_loss", "peak_memory_bytes")

    assert worth_a_choice(objectives, names, Noise(0.05, False, 3)).tolist() == [0, 2, 4]
    assert worth_a_choice(objectives, names, Noise()).tolist() == [0, 1, 2, 3, 4]
    assert worth_a_choice(objectives, ("accuracy", "peak_memory_bytes"), Noise(0.05, False, 3)).tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]
