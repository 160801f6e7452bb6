"""The design of a published campaign covers what it says."""

from collections import Counter
from statistics import mean

import pytest

from collectors.campaign.design import DesignSize, design
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Space
from perfmodel.traces.trace import Setting

SETTING = Setting("model", "m" * 64, "task", "t" * 64, Recipe(), "cpu")
SPACE = Space(30, DEFAULT_RATES, DEFAULT_BITS, DEFAULT_RANKS)
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def trials():
    return design(SPACE, SETTING, seeds=SEEDS, plan_seed=1)


def test_every_width_rank_and_rate_is_there_alone(trials):
    uniform = [each.configuration for each in trials if each.source == "uniform"]
    assert all(each.is_uniform for each in uniform)
    assert {each.bits[0] for each in uniform} == set(DEFAULT_BITS)
    assert {(each.bits[0], each.ranks[0]) for each in uniform if not each.pruning_rate} == {
        (bits, rank) for bits in DEFAULT_BITS for rank in (2, 8, 32)
    }
    assert {each.pruning_rate for each in uniform} == set(DEFAULT_RATES)


def test_a_probe_lowers_one_layer(trials):
    probes = {each.configuration for each in trials if each.source == "probe"}
    lowered = Counter((sum(bits != 8 for bits in each.bits), sum(rank != 8 for rank in each.ranks)) for each in probes)
    assert lowered == {(1, 0): 10, (0, 1): 5}


def test_few_layers_have_an_adapter_in_the_sparse_block(trials):
    sparse = {each.configuration for each in trials if each.source == "sparse"}
    layers = Counter(tuple(unit for unit, rank in enumerate(each.ranks) if rank) for each in sparse)
    assert layers == {(0,): 2, (29,): 2, (9, 19, 29): 2, (4, 9, 14, 19, 24, 29): 2}
    assert {(each.bits[0], each.is_uniform) for each in sparse} == {(16, False), (4, False)}


def test_most_is_near_what_keeps_quality(trials):
    near = [each.configuration for each in trials if each.source == "near"]
    assert {bits for each in near for bits in each.bits} == {3, 4, 8, 16}
    assert {each.pruning_rate for each in near} == {0.0, 0.1, 0.2}


@pytest.mark.parametrize("plan_seed", range(3))
def test_every_tenth_of_the_mean_bits_is_held_by_three_configurations_or_more(plan_seed):
    trials = design(SPACE, SETTING, seeds=SEEDS, plan_seed=plan_seed)
    found = {each.configuration for each in trials}
    tenths = Counter(min(9, int((mean(each.bits) - 2) / 14 * 10)) for each in found)
    assert all(tenths[tenth] >= 3 for tenth in range(10))


def test_a_tenth_or_more_has_three_seeds_in_every_block(trials):
    seeds = {}
    for each in trials:
        seeds.setdefault((each.source, each.configuration.identifier), set()).add(each.seed)
    repeated = Counter(source for (source, _), found in seeds.items() if found == set(SEEDS))
    assert set(repeated) == {"uniform", "probe", "sparse", "near", "high", "plan"}
    assert sum(repeated.values()) >= len(seeds) / 10
    assert all(found in ({0}, set(SEEDS)) for found in seeds.values())


def test_it_is_the_same_again_and_holds_nothing_twice(trials):
    assert design(SPACE, SETTING, seeds=SEEDS, plan_seed=1) == trials
    assert len({each.key for each in trials}) == len(trials)
    assert design(SPACE, SETTING, seeds=SEEDS, plan_seed=2) != trials


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_campaign_that_is_cut_short_has_run_the_same_share_of_each_block(trials, share):
    whole = Counter(each.source for each in trials)
    begun = Counter(each.source for each in trials[: round(share * len(trials))])
    assert all(abs(begun[source] - share * count) <= 2 for source, count in whole.items())


def test_a_smaller_space_loses_what_it_does_not_hold():
    small = Space(4, (0.0,), (2, 4), (4, 8))
    trials = design(small, SETTING, seeds=(0,), plan_seed=0, size=DesignSize(near=0, high=0, plan=3))
    assert {each.source for each in trials} == {"uniform", "plan"}
    assert all(set(each.configuration.bits) <= {2, 4} for each in trials)
