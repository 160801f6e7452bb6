"""Feature columns: exact bytes, known values, errors and speed."""

import time
from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.columns import SUMMARY_COLUMNS, Featurizer, feature_table, relative_error, unit_table
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.methods import Methods
from perfmodel.space.space import Configuration, Space


def error(bits):
    return FORMATS[Methods().format_of(bits)].relative_error


@pytest.mark.parametrize("device_class", ["cpu", "cuda"])
@pytest.mark.parametrize("optimizer", ["adamw", "adamw_8bit"])
def test_bytes_equal_the_closed_form(tiny, draw_configurations, device_class, optimizer):
    configurations = draw_configurations(60)
    table = feature_table(tiny, configurations, device_class=device_class, optimizer=optimizer)
    for row, configuration in zip(table.to_dict("records"), configurations, strict=True):
        state = state_bytes(tiny, configuration, device_class=device_class, optimizer=optimizer)
        assert row["state_weight_bytes"] == state.weights
        assert row["state_adapter_bytes"] == state.adapters
        assert row["state_training_bytes"] == state.gradients + state.optimizer
        assert row["state_total_bytes"] == state.total


def test_columns_of_a_known_configuration(tiny):
    configuration = Configuration(0.0, (2,) * 4 + (4,) * 3 + (16,) * 3, (0,) * 5 + (8,) * 5)
    row = feature_table(tiny, [configuration], device_class="cuda", optimizer="adamw").iloc[0]
    assert list(row.index) == list(SUMMARY_COLUMNS)
    assert row["mean_bits"] == pytest.approx((2 * 4 + 4 * 3 + 16 * 3) / 10)
    assert [row[f"share_bits_{bits}"] for bits in (2, 3, 4, 8, 16)] == pytest.approx([0.4, 0, 0.3, 0, 0.3])
    assert row["mean_log2_error_first"] == pytest.approx(np.log2(error(2)))
    assert row["mean_log2_error_middle"] == pytest.approx(np.log2(error(4)))
    assert row["mean_squared_error_last"] == pytest.approx(error(16) ** 2)
    assert row["mean_rank"] == 4 and row["share_rank_0"] == 0.5
    assert row["mean_log2_rank"] == pytest.approx(np.log2(9) / 2)


def test_mean_bits_weigh_layers_by_what_pruning_left(tiny):
    # Layers 4 to 7 are pruned; 16 bits there weigh less than elsewhere.
    bits = tuple(16 if layer in tiny.prunable else 2 for layer in range(10))
    rows = [Configuration(rate, bits, (8,) * 10) for rate in (0.0, 0.5)]
    table = feature_table(tiny, rows, device_class="cuda", optimizer="adamw")
    assert table["share_bits_16"][0] == pytest.approx(0.4)
    assert table["share_bits_16"][1] < 0.26


def test_raw_columns(tiny, draw_configurations):
    configurations = draw_configurations(3)
    table = unit_table(configurations)
    assert table.shape == (3, 20)
    assert tuple(table.loc[1, [f"bits_{i}" for i in range(10)]]) == configurations[1].bits
    assert tuple(table.loc[1, [f"rank_{i}" for i in range(10)]]) == configurations[1].ranks


def test_vectors_and_configurations_give_the_same_arrays(tiny_space, draw_configurations):
    configurations = draw_configurations(20)
    direct = ConfigurationArrays.from_configurations(configurations)
    decoded = ConfigurationArrays.from_vectors(tiny_space, tiny_space.encode(configurations))
    for name in ("rates", "bits", "ranks"):
        np.testing.assert_array_equal(getattr(direct, name), getattr(decoded, name))


@pytest.mark.parametrize("change", [lambda v: v[:, :-1], lambda v: v + 100, lambda v: v - 100, lambda v: v[0]])
def test_vectors_outside_the_space_are_refused(tiny_space, draw_configurations, change):
    with pytest.raises(ValueError, match="vectors must"):
        ConfigurationArrays.from_vectors(tiny_space, change(tiny_space.encode(draw_configurations(2))))


def test_unknown_width_and_wrong_length_are_refused(tiny):
    with pytest.raises(InvalidConfigurationError, match="bits holds 5"):
        relative_error(np.array([[2, 5]]), Methods())
    with pytest.raises(InvalidConfigurationError, match="3 entries"):
        feature_table(tiny, [Configuration.uniform(3, bits=4, rank=8)], device_class="cpu", optimizer="adamw")


def test_two_layers_and_no_rows_are_finite():
    config = {"model_type": "llama", "hidden_size": 64, "vocab_size": 100, "num_hidden_layers": 2}
    small = Architecture.from_config({**config, "num_attention_heads": 4, "intermediate_size": 128})
    uniform = Configuration.uniform(2, bits=4, rank=8)
    table = feature_table(small, [uniform], device_class="cuda", optimizer="adamw")
    assert np.isfinite(table.to_numpy()).all()
    empty = ConfigurationArrays.from_vectors(Space(2), np.empty((0, 5), dtype=np.int64))
    assert Featurizer(small, device_class="cuda", optimizer="adamw").table(empty).shape[0] == 0


def test_ten_thousand_configurations_take_about_a_second(tiny, draw_configurations):
    configurations = draw_configurations(1000) * 10
    start = time.process_time()
    feature_table(tiny, configurations, device_class="cuda", optimizer="adamw")
    assert time.process_time() - start < 2


def test_activations_are_kept_from_the_first_adapter_on(tiny):
    layers = len(tiny.layers)
    ranks = (0, 0, 8, 0) + (4,) * (layers - 4)
    table = feature_table(tiny, [Configuration(0.0, (4,) * layers, ranks)], device_class="cpu", optimizer="adamw").iloc[
        0
    ]

    assert table["active_share"] == pytest.approx((layers - 2) / layers)
    assert table["active_adapted_share"] == pytest.approx((layers - 3) / layers)
    assert table["active_kept_share"] == pytest.approx((layers - 2) / layers)
    behind = [sum(rank > 0 for rank in ranks[layer:]) for layer in range(layers)]
    assert table["active_scarcity"] == pytest.approx(np.mean([1 / (1 + count) for count in behind]))


def test_modules_as_units_say_the_same_where_every_layer_is_even(tiny):
    layers, modules = len(tiny.layers), len(tiny.modules)
    by_layer = Configuration(0.3, (2, 4, 16, 8, 3) * 2, (0, 8, 4, 0, 2) * 2)
    spread = [tuple(value for value in values for _ in range(modules)) for values in (by_layer.bits, by_layer.ranks)]
    rows = [
        feature_table(tiny, [each], device_class="cpu", optimizer="adamw").iloc[0]
        for each in (by_layer, Configuration(0.3, *spread))
    ]
    exact = [
        name for name in SUMMARY_COLUMNS if name.startswith(("state_", "share", "mean_bits", "active", "mean_rank"))
    ]
    assert rows[0][exact].to_list() == pytest.approx(rows[1][exact].to_list())

    one = Configuration(0.0, spread[0], (0,) * (layers * modules - 1) + (8,))
    single = feature_table(tiny, [one], device_class="cpu", optimizer="adamw").iloc[0]
    rows_out, columns_in = list(tiny.module_shapes(layers - 1).values())[-1]
    assert single["state_adapter_bytes"] == 4 * 8 * (rows_out + columns_in)
    assert single["active_share"] == pytest.approx(1 / layers)


@pytest.mark.parametrize("changes", [{"quantizers": "bf16|hqq8g64|fp4|hqq3g128|hqq2g32"}, {"adapter": "dora"}])
def test_bytes_follow_the_methods(tiny, draw_configurations, changes):
    for each in draw_configurations(10):
        configuration = replace(each, methods=Methods(**changes))
        row = feature_table(tiny, [configuration], device_class="cpu", optimizer="adamw").iloc[0]
        state = state_bytes(tiny, configuration, device_class="cpu")
        assert row["state_weight_bytes"] == state.weights
        assert row["state_total_bytes"] == state.total


def test_configurations_of_two_kinds_are_no_array():
    layer, module = Configuration.uniform(3, bits=4, rank=8), Configuration.uniform(21, bits=4, rank=8)
    with pytest.raises(InvalidConfigurationError, match="mix the units"):
        ConfigurationArrays.from_configurations([layer, module])
    with pytest.raises(InvalidConfigurationError, match="mix the methods"):
        ConfigurationArrays.from_configurations([layer, replace(layer, methods=Methods(adapter="dora"))])
