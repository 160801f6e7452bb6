"""Which of two trials takes longer: clear cases, and the times that the shelf's trials really took."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from first_traces import first_traces
from scipy.stats import spearmanr

from collectors.campaign.cost import HQQ_TOKENS, expected_cost, longest_first
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Asked, Setting

LAYERS = 10


def make(rate=0.0, bits=4, ranks=(8,) * LAYERS, task="1", seed=0, **recipe):
    setting = Setting("tiny", "0" * 64, "sums", task * 64, Recipe(**recipe), "cpu")
    widths = (bits,) * LAYERS if isinstance(bits, int) else bits
    return Asked(setting, Configuration(rate, widths, tuple(ranks)), seed, "plan")


@pytest.mark.parametrize(
    ("longer", "shorter"),
    [
        (make(steps=60), make(steps=30)),
        (make(batch_size=16), make(batch_size=8)),
        (make(max_length=128), make(max_length=96)),
        (make(curve_points=4), make(curve_points=2)),
        (make(eval_examples=256), make(eval_examples=128)),
        (make(gradient_checkpointing=True), make()),
        (make(), make(rate=0.3)),
        (make(rate=0.3), make(rate=0.5)),
        (make(), make(ranks=[0] * 8 + [8] * 2)),
        (make(ranks=[8] + [0] * 9), make(ranks=[0] * 9 + [8])),
        (make(ranks=[64] * LAYERS), make(ranks=[4] * LAYERS)),
        (make(rate=0.3, bits=3), make(rate=0.3, bits=4)),
        (make(rate=0.3, bits=2), make(rate=0.3, bits=(2,) * 3 + (4,) * 7)),
        (make(rate=0.1, bits=2), make(bits=4)),  # quantising pruned shapes is dearer than what they save
    ],
)
def test_the_longer_trial_costs_more(longer, shorter):
    assert expected_cost(longer) > expected_cost(shorter)


def test_no_layer_above_the_first_adapter_runs_backward():
    whole, half, none = (expected_cost(make(ranks=ranks)) for ranks in ([8] * 10, [0] * 5 + [16] * 5, [0] * 9 + [80]))
    tokens = 30 * 8 * 96
    assert whole - half == pytest.approx(0.5 * tokens)
    assert half - none == pytest.approx(0.4 * tokens)


def test_quantising_is_paid_by_pruned_shapes_only():
    pruned = expected_cost(make(rate=0.2, bits=2)) - expected_cost(make(rate=0.2, bits=4))
    assert pruned == pytest.approx(0.8 * HQQ_TOKENS)
    assert expected_cost(make(bits=2)) == expected_cost(make(bits=4))


def test_values_of_modules_cost_as_much_as_the_same_of_layers():
    layers = make(rate=0.2, bits=(2, 4) * 5, ranks=[0, 0, 8, 8, 8, 8, 8, 8, 8, 16])
    wide = [value for value in layers.configuration.bits for _ in range(7)]
    ranks = [value for value in layers.configuration.ranks for _ in range(7)]
    modules = replace(layers, configuration=Configuration(0.2, tuple(wide), tuple(ranks)))
    assert expected_cost(modules) == pytest.approx(expected_cost(layers))


def test_a_mixed_up_plan_goes_out_by_setting_then_by_cost():
    small, large = make(rate=0.5), make(task="2", steps=60)
    again, other = replace(small, seed=1), make()
    middle = make(task="2", steps=60, rate=0.3)
    assert longest_first([small, middle, again, other, large]) == [large, middle, other, small, again]
    assert longest_first([]) == []


def taken(trace):
    """Seconds of a trial; without its preparation where nothing was pruned, for the shelf was made before the library."""
    measured, recipe = trace.measured, trace.asked.setting.recipe
    preparing = measured.prepare_time_s if trace.asked.configuration.pruning_rate else 0.0
    return preparing + recipe.steps * measured.step_time_s + len(recipe.curve_steps()) * measured.eval_time_s


@pytest.fixture(scope="module")
def runs():
    """The shelf's trials of the two tasks that have plans, each in the order in which they ran."""
    traces = sorted(first_traces(73), key=lambda trace: trace.ran_on.started_at)
    tasks = ("chain_sum", "number_sequence")
    return [[trace for trace in traces if trace.asked.setting.task == task] for task in tasks]


def test_it_ranks_how_long_the_shelf_s_trials_took_to_prepare(runs):
    for every in runs:
        traces = [trace for trace in every if trace.asked.configuration.pruning_rate]
        without = [replace(t.asked, configuration=replace(t.asked.configuration, bits=(4,) * 30)) for t in traces]
        quantizing = [expected_cost(t.asked) - expected_cost(bare) for t, bare in zip(traces, without, strict=True)]
        assert spearmanr(quantizing, [t.measured.prepare_time_s for t in traces]).statistic > 0.75


def test_it_tells_which_of_two_neighbours_in_time_took_longer(runs):
    """The machine's speed drifted by more than trials differ, so only trials that ran one after the other compare."""
    pairs = [pair for traces in runs for pair in pairwise(traces)]
    expected = np.array([np.log(expected_cost(b.asked) / expected_cost(a.asked)) for a, b in pairs])
    found = np.array([np.log(taken(b) / taken(a)) for a, b in pairs])
    assert spearmanr(expected, found).statistic > 0.4
    clear = np.abs(expected) > np.log(1.2)
    assert clear.sum() >= 15
    assert (np.sign(expected) == np.sign(found))[clear].mean() >= 0.8
