"""What other tasks say of a loss: only those of the same model and recipe, with traces enough."""

from dataclasses import replace

import numpy as np
import pytest
from first_traces import first_traces
from scipy.stats import spearmanr

from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Space
from search.knowledge_of import ENOUGH, PriorLoss, fit_priors, other_tasks, untrained_losses


@pytest.fixture(scope="module")
def traces():
    return first_traces(244)


@pytest.fixture(scope="module")
def architecture(smollm2_config):
    return Architecture.from_config(smollm2_config)


@pytest.fixture(scope="module")
def own(traces):
    return [trace for trace in traces if trace.asked.setting.task == "basic_arithmetic"]


def test_tasks_with_enough_configurations_are_told_and_not_the_own(traces, own, architecture):
    space, setting = Space.for_architecture(architecture), own[0].asked.setting
    found = other_tasks(traces, setting, space)
    assert list(found) == ["chain_sum", "number_sequence", "word_sequence_reversal"]
    assert all(len({trace.asked.configuration for trace in each}) >= ENOUGH for each in found.values())
    assert other_tasks(traces, replace(setting, recipe=replace(setting.recipe, steps=60)), space) == {}
    assert other_tasks(traces, setting, Space(12)) == {}


def test_other_tasks_rank_what_was_measured(traces, own, architecture):
    space = Space.for_architecture(architecture)
    predictors = fit_priors(other_tasks(traces, own[0].asked.setting, space), space, architecture)
    prior = PriorLoss(tuple(predictors))
    foretold = prior(space.encode([trace.asked.configuration for trace in own]))
    assert spearmanr(foretold, [trace.measured.held_out_loss for trace in own])[0] > 0.8
    assert np.isfinite(foretold).all()


def test_losses_before_training_are_those_that_were_measured_in_the_space(own, architecture):
    space = Space.for_architecture(architecture)
    vectors, losses = untrained_losses(own, space)
    measured = {trace.asked.configuration: trace.measured.curve_losses[0] for trace in own if trace.ok}
    assert len(vectors) == len(measured)
    assert dict(zip(space.decode(vectors), losses.tolist(), strict=True)) == measured
    narrow = untrained_losses(own, replace(space, pruning_rates=(0.0,)))
    assert 0 < len(narrow[0]) < len(vectors)
    assert untrained_losses([], space) is None
