"""The shipped sensitivities: whose they are, what they hold, and that one's own come first."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from first_traces import first_traces

from datasets_cache.files.cache import CACHE_VARIABLE
from datasets_cache.shelf.sensitivities import load_sensitivities, sensitivities_path, shipped_sensitivities
from datasets_cache.tasks.tasks import load_task
from perfmodel.errors import UnknownNameError
from perfmodel.features.sensitivity_columns import SensitivityFeaturizer
from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.space import DEFAULT_RATES

SHIPPED = shipped_sensitivities()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))


def test_the_tasks_with_most_traces_of_the_first_shelf_are_there():
    counts = Counter((trace.asked.setting.model, trace.asked.setting.task) for trace in first_traces(73))

    assert {name for name, _ in counts.most_common(2)} <= set(SHIPPED)


@pytest.mark.parametrize(("model", "task"), SHIPPED)
def test_each_record_is_of_the_shelf_s_model_and_the_shipped_task(model, task):
    record = load_sensitivities(model, task)
    record.check_shapes()

    assert record.model_sha256 == first_traces(73)[0].asked.setting.model_sha256
    assert record.task_sha256 == load_task(task).sha256
    assert (record.model, record.task, record.unit, record.methods) == (model, task, "layer", DEFAULT_METHODS)
    assert record.kl.shape == (30, 4)
    assert record.examples >= 16
    assert tuple(record.rates) == DEFAULT_RATES


@pytest.mark.parametrize(("model", "task"), SHIPPED)
def test_each_record_is_what_physics_allows(model, task):
    record = load_sensitivities(model, task)

    assert (record.kl > 0).all()
    for table in (record.weight_error, record.output_error):
        assert (np.diff(table, axis=1) < 0).all()  # wider is closer, in every layer
    assert (np.diff(record.kl.mean(axis=0)) < 0).all()
    assert record.kl[:, 3].max() < 0.01 < record.kl[:, 0].min()  # eight bits change next to nothing, two do
    assert (np.diff(record.taylor_mass) > 0).all()
    assert (record.taylor_mass[1:] < record.rates[1:]).all()


def test_weights_know_of_no_task():
    records = [load_sensitivities(model, task) for model, task in SHIPPED]

    for record in records[1:]:
        assert np.array_equal(record.weight_error, records[0].weight_error)
        assert not np.array_equal(record.kl, records[0].kl)


def test_costs_of_a_uniform_configuration_are_the_record_s_sums(smollm2_config):
    record = load_sensitivities("smollm2-135m", "chain_sum")
    featurizer = SensitivityFeaturizer(record, Architecture.from_config(smollm2_config))
    traces = first_traces(73)
    configurations = [trace.asked.configuration for trace in traces if trace.asked.configuration.is_uniform]
    table = featurizer.matrix(ConfigurationArrays.from_configurations(configurations)).frame()
    sums = {16: 0.0, **dict(zip(record.widths, record.kl.sum(axis=0), strict=True))}

    assert {each.bits[0] for each in configurations} >= {2, 4, 16}
    assert table["sense_kl_sum"].to_numpy() == pytest.approx([sums[each.bits[0]] for each in configurations])


def test_one_s_own_record_comes_first():
    own = replace(load_sensitivities("smollm2-135m", "chain_sum"), examples=1)
    own.save(sensitivities_path("smollm2-135m", "chain_sum"))

    assert load_sensitivities("smollm2-135m", "chain_sum").examples == 1
    assert load_sensitivities("smollm2-135m", "number_sequence").examples > 1


def test_names_with_slashes_stay_in_the_folder(tmp_path):
    path = sensitivities_path("owner/model", "boolq@../copy", "module")

    assert path.parent == tmp_path / "sensitivities"
    assert path.name == "owner--model.boolq@..--copy.module.json"


def test_an_unknown_record_says_how_to_measure_it():
    with pytest.raises(UnknownNameError, match="bench sense --model smollm2-135m --task nothing --unit layer"):
        load_sensitivities("smollm2-135m", "nothing")
