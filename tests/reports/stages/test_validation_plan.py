"""Which configurations are fine-tuned to check a front."""

from types import SimpleNamespace

import pandas as pd
import pytest

from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration, Space
from reports.stages.validation_plan import choose_candidates, worth_a_run

SPACE = Space(6, (0.0, 0.5), (2, 4, 8, 16), (0, 4, 8))
COUNTS = {"front": 3, "random": 2, "baseline": 2}


def memory(configuration):
    return sum(configuration.bits) * (1 - configuration.pruning_rate) + 0.1 * sum(configuration.ranks)


class FakePredictor:
    """Predicts the memory by a formula."""

    def __init__(self, space=SPACE):
        self.record = SimpleNamespace(space=space)

    def predict(self, configurations):
        return pd.DataFrame({"peak_memory_bytes": [memory(each) for each in configurations]})


def choose(front, seen=frozenset(), counts=COUNTS, space=SPACE, seed=0, predictor=None):
    predictor = predictor or FakePredictor(space)
    return choose_candidates(predictor, front, seen, counts, resource="peak_memory_bytes", seed=seed)


@pytest.fixture(scope="module")
def front():
    return sorted(stratified(SPACE, 12, 1), key=memory)


def by_role(candidates, role):
    return [each.configuration for each in candidates if each.role == role]


def test_every_role_has_as_many_as_asked_and_a_name_of_its_own(front):
    candidates = choose(front)

    assert {role: len(by_role(candidates, role)) for role in COUNTS} == COUNTS
    assert len({each.name for each in candidates}) == 7


def test_points_of_the_front_span_its_memory(front):
    picked = by_role(choose(front), "front")

    assert picked[0] == front[0]
    assert picked[-1] == front[-1]
    assert set(picked) < set(front)


@pytest.mark.parametrize(("blind", "kept"), [(1e9, 12), (50.0, None), (0.1, 12)])
def test_points_that_learn_nothing_are_not_run_unless_all_are_such(front, blind, kept):
    class Judge(FakePredictor):
        metrics = ("held_out_loss", "peak_memory_bytes")

        def predict(self, configurations):
            return pd.DataFrame({"held_out_loss": [100 - memory(each) for each in configurations]})

    useful = worth_a_run(Judge(), front, blind, 3)
    expected = [each for each in front if 100 - memory(each) < blind] if kept is None else front
    assert useful == expected
    assert kept or 3 <= len(useful) < 12
    assert worth_a_run(SimpleNamespace(metrics=("accuracy",)), front, 0.0, 3) == front


def test_what_a_model_saw_is_not_chosen(front):
    seen = frozenset(front[:8]) | frozenset(stratified(SPACE, 50, 0))
    candidates = choose(front, seen)

    chosen = by_role(candidates, "front") + by_role(candidates, "random")
    assert len(chosen) == 5
    assert not seen & set(chosen)
    assert not set(by_role(candidates, "front")) & set(by_role(candidates, "random"))


def test_a_front_that_was_all_seen_leaves_random_ones_only(front):
    candidates = choose(front, frozenset(front))

    assert [each.role for each in candidates] == ["random", "random"]


class Judge(FakePredictor):
    """Predicts a loss too: 2 bits learn nothing, pruning costs little."""

    metrics = ("held_out_loss", "peak_memory_bytes")

    def predict(self, configurations):
        losses = [9.0 * (each.bits[0] == 2) + each.pruning_rate + 1 / each.bits[0] for each in configurations]
        return super().predict(configurations).assign(held_out_loss=losses)


def test_baselines_are_the_best_uniform_ones_that_front_points_have_room_in(front):
    """All of 2 bits are dominated by pruned 4 bits, and higher ranks, which cost memory only, by the lowest."""
    candidates = choose(front, predictor=Judge())
    best = [
        Configuration.uniform(6, bits=bits, rank=4, pruning_rate=rate) for rate in (0.0, 0.5) for bits in (4, 8, 16)
    ]
    best.remove(Configuration.uniform(6, bits=16, rank=4, pruning_rate=0.5))  # as large as 8 bits, and worse
    best.remove(Configuration.uniform(6, bits=8, rank=4, pruning_rate=0.5))  # as 4 bits, likewise
    roomy = [[each for each in best if memory(each) >= memory(point)] for point in (front[0], front[-1])]

    found = by_role(candidates, "baseline")
    assert found == [min(fits, key=memory) for fits in roomy]
    assert candidates[-1].name == f"uniform {found[1].bits[0]}-bit r4"


def test_without_a_predicted_loss_baselines_are_next_in_memory(front):
    uniform = [
        Configuration.uniform(6, bits=bits, rank=rank, pruning_rate=rate)
        for rate in SPACE.pruning_rates
        for bits in SPACE.bits
        for rank in SPACE.ranks
        if rank
    ]
    roomy = [[each for each in uniform if memory(each) >= memory(point)] for point in (front[0], front[-1])]

    assert [memory(each) for each in by_role(choose(front), "baseline")] == [
        min(memory(each) for each in fits) for fits in roomy
    ]


def test_two_baselines_are_never_the_same(front):
    alike = [point for point in front if point.bits == front[0].bits][:1] * 2
    baselines = by_role(choose(alike, counts={**COUNTS, "baseline": 4}), "baseline")

    assert len(baselines) == len(set(baselines)) == 4


def test_there_are_no_more_baselines_than_uniform_configurations():
    small = Space(6, (0.0, 0.5), (4,), (0, 8))
    candidates = choose(stratified(small, 5, 0), counts={**COUNTS, "baseline": 3}, space=small)

    assert {each.pruning_rate for each in by_role(candidates, "baseline")} == {0.0, 0.5}
    assert len(by_role(candidates, "baseline")) == 2


def test_roles_may_be_left_out(front):
    assert {each.role for each in choose(front, counts={"front": 1, "random": 0, "baseline": 0})} == {"front"}


def test_another_seed_draws_other_random_ones(front):
    first, again, other = (by_role(choose(front, seed=seed), "random") for seed in (0, 0, 1))

    assert first == again
    assert first != other
