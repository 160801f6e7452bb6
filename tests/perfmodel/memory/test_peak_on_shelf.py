"""The closed form against every peak that the shelf's traces measured on a CPU."""

from statistics import mean

import pytest

from datasets_cache.shelf.shelf import newest_shelf, shelf_file
from perfmodel import read_traces
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import peak_interval, training_memory
from perfmodel.model.architecture import Architecture

SHELF = shelf_file(newest_shelf())


@pytest.fixture(scope="module")
def estimates(smollm2_config):
    architecture = Architecture.from_config(smollm2_config)
    found = []
    for trace in read_traces(SHELF):
        setting, measured = trace.asked.setting, trace.measured
        batch = setting.recipe.batch_size
        load = BatchLoad(batch, measured.largest_batch_tokens // batch, measured.largest_batch_answer_tokens)
        memory = training_memory(architecture, trace.asked.configuration, setting.recipe, load, device_class="cpu")
        found.append((trace, memory))
    return found


def test_every_measured_peak_is_met_within_the_target(estimates):
    errors = [memory.allocated / trace.measured.peak_memory_bytes - 1 for trace, memory in estimates]
    assert len(errors) >= 588
    assert mean(map(abs, errors)) < 0.005
    assert max(map(abs, errors)) < 0.02


def test_peaks_of_one_batch_are_met_to_a_few_parts_in_a_hundred_thousand(estimates):
    """In ``chain_sum`` the batch with most tokens is the one with most answer tokens."""
    errors = [
        memory.allocated / trace.measured.peak_memory_bytes - 1
        for trace, memory in estimates
        if trace.asked.setting.task == "chain_sum"
    ]
    assert len(errors) >= 208
    assert max(map(abs, errors)) < 5e-5


def test_resident_bytes_are_those_that_were_measured_but_for_the_rotary_frequencies(estimates):
    for trace, memory in estimates:
        weights = memory.weights + memory.quantization_metadata + memory.embeddings + memory.norms
        assert trace.measured.weight_bytes - weights == 2 * 4 * 32
        assert (memory.adapters, trace.measured.adapter_bytes) == (trace.measured.adapter_bytes, memory.adapters)


def test_intervals_hold_their_share_of_measured_peaks(estimates):
    held = [
        low <= trace.measured.peak_memory_bytes <= high
        for trace, memory in estimates
        for low, high in [peak_interval(memory, level=0.9, device_class="cpu")]
    ]
    assert mean(held) >= 0.9
