"""The whole record: what it holds, that it is repeatable, and that only calibration examples are read."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from collectors.quantizers import QUANTIZERS, linear_of
from collectors.quantizers.fairness import sample_weights
from collectors.sensitivities import WIDTHS_TRIED, measure_sensitivities, steps_of
from collectors.trial.model_builder import ModelBuilder
from datasets_cache import load_task, resolve
from perfmodel.errors import InvalidConfigurationError, InvalidTaskError
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import Methods
from perfmodel.space.space import DEFAULT_RATES

LAYERS, MODULES = 8, 7
ARRAYS = ("kl", "loss_change", "weight_error", "output_error", "gradient_norm", "information", "rates", "taylor_mass")


@pytest.fixture(scope="module")
def base(checkpoint):
    return resolve(str(checkpoint))


@pytest.fixture(scope="module")
def task(task_file):
    return load_task(str(task_file))


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def record(base, task, told):
    return measure_sensitivities(base, task, examples=4, advance=told.append)


def test_the_record_says_what_was_measured(record, base, task):
    record.check_shapes()
    assert (record.model, record.model_sha256) == (base.name, base.sha256)
    assert (record.task, record.task_sha256) == (task.name, task.sha256)
    assert (record.unit, record.widths, record.examples) == ("layer", WIDTHS_TRIED, 4)
    assert record.kl.shape == (LAYERS, 4)
    assert tuple(record.rates) == DEFAULT_RATES
    for name in ("kl", "weight_error", "output_error"):
        table = getattr(record, name)
        assert (table > 0).all()
        assert (np.diff(table, axis=1) < 0).all(), name  # wider is closer
    assert np.ptp(record.weight_error, axis=0).max() < 0.02  # random layers are alike to a format
    assert (np.diff(record.taylor_mass) > 0).all()
    assert (record.taylor_mass[1:] < record.rates[1:]).all()  # the least important goes first


def test_progress_is_told_as_often_as_announced(record, base, told):
    assert len(told) == steps_of(base, "layer")


def test_neither_training_nor_held_out_examples_are_read(record, base, task):
    again = measure_sensitivities(base, replace(task, train=(), held_out=()), examples=4)

    assert all(np.array_equal(getattr(record, name), getattr(again, name)) for name in ARRAYS)


def test_other_examples_give_other_figures(record, base, task):
    turned = replace(task, calibration=task.calibration[::-1])
    other = measure_sensitivities(base, turned, examples=4, widths=(4,))

    assert not np.allclose(record.kl[:, 2], other.kl[:, 0], rtol=1e-3)
    assert record.weight_error[:, 2] == pytest.approx(other.weight_error[:, 0], rel=1e-12)


def test_modules_make_up_their_layers(record, base, task):
    fine = measure_sensitivities(base, task, unit="module", widths=(2,), examples=4)
    by_layer = fine.gradient_norm.reshape(LAYERS, MODULES)

    assert fine.kl.shape == (LAYERS * MODULES, 1)
    assert np.sqrt((by_layer**2).sum(axis=1)) == pytest.approx(record.gradient_norm, rel=1e-6)
    assert (fine.information.reshape(LAYERS, MODULES) == record.information[:, None]).all()
    low, high = (each(fine.weight_error.reshape(LAYERS, MODULES), axis=1) for each in (np.min, np.max))
    assert ((low < record.weight_error[:, 0]) & (record.weight_error[:, 0] < high)).all()
    assert fine.kl.reshape(LAYERS, MODULES).max(axis=1).max() < record.kl[:, 0].max()


def test_the_mass_is_of_what_a_trial_removes(base, task, make_asked, record):
    """A builder's own importances and pruning give the share again."""
    builder = ModelBuilder(make_asked(rate=0.3).setting)
    built = builder.build(make_asked(rate=0.3).configuration, 0)
    ((_, importance),) = builder._importances.items()
    whole = kept = 0.0
    for index, scores in importance.items():
        shape = built.architecture.layers[index]
        for each, count in ((scores.groups, shape.kv_groups), (scores.channels, shape.channels)):
            whole += each.sum().item()
            kept += each.topk(count).values.sum().item()

    assert record.taylor_mass[3] == pytest.approx(1 - kept / whole, rel=1e-4)


def test_other_ways_to_prune_remove_more_taylor_importance(base, task, record):
    drawn = measure_sensitivities(base, task, examples=2, widths=(4,), methods=Methods(pruning_method="random"))

    assert (drawn.taylor_mass[1:] > record.taylor_mass[1:]).all()


def test_examples_that_are_all_too_long_are_refused(base, task):
    with pytest.raises(InvalidTaskError, match="max_length"):
        measure_sensitivities(base, task, max_length=3)


def test_a_format_that_the_base_flatters_is_refused(task, make_model, tokenizer, tmp_path):
    model = make_model(layers=6)
    for weight in sample_weights(model, Architecture.from_config(model.config.to_dict())):
        weight.copy_(QUANTIZERS["nf4"].dequantize(QUANTIZERS["nf4"].quantize(linear_of(weight), torch.float32)))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)

    with pytest.raises(InvalidConfigurationError, match="nf4"):
        measure_sensitivities(resolve(str(tmp_path)), task)


def test_the_record_can_be_saved(record, tmp_path):
    record.save(tmp_path / "record.json")

    assert np.array_equal(Sensitivities.load(tmp_path / "record.json").kl, record.kl)
