"""Feature columns: exact bytes, known values, the same for traces and for index vectors, errors."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.columns import SUMMARY_COLUMNS, relative_error, unit_columns
from perfmodel.features.featurizer import CHUNK, Featurizer, SpaceFeatures
from perfmodel.memory.state_bytes import state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.methods import Methods
from perfmodel.space.space import Configuration, Space


def feature_table(architecture, configurations, **device):
    arrays = ConfigurationArrays.from_configurations(configurations)
    return Featurizer(architecture, **device).matrix(arrays).select(SUMMARY_COLUMNS).frame()


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


@pytest.mark.parametrize("unit", ["layer", "module"])
@pytest.mark.parametrize("count", [0, 1, CHUNK + 3])
def test_traces_and_index_vectors_have_the_same_columns(tiny, unit, count):
    methods = Methods(adapter="dora", quantizers="bf16|hqq8g64|fp4|hqq3g128|hqq2g32")
    space = Space.for_architecture(tiny, unit=unit, methods=methods, pruning_rates=(0.1, 0.5), ranks=(0, 4, 32))
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw_8bit")
    vectors = np.random.default_rng(count).integers(space.cardinalities, size=(count, len(space.cardinalities)))
    vectors[: count // 2, 1 + space.units : -3] = 0  # adapters begin late
    vectors[:1, 1 + space.units :] = 0
    arrays = ConfigurationArrays.from_vectors(space, vectors)
    wanted, found = featurizer.matrix(arrays), SpaceFeatures(space, featurizer).matrix(vectors)
    assert found.columns == wanted.columns == (*SUMMARY_COLUMNS, *unit_columns(space.units))
    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(found.values[:, len(SUMMARY_COLUMNS) :], np.hstack((arrays.bits, arrays.ranks)))


@pytest.mark.parametrize("change", [lambda v: v[:, :-1], lambda v: v + 100, lambda v: v - 100, lambda v: v[0]])
def test_vectors_outside_the_space_are_refused(tiny, tiny_space, draw_configurations, change):
    vectors = change(tiny_space.encode(draw_configurations(2)))
    features = SpaceFeatures(tiny_space, Featurizer(tiny, device_class="cuda", optimizer="adamw"))
    with pytest.raises(ValueError, match="vectors must"):
        ConfigurationArrays.from_vectors(tiny_space, vectors)
    with pytest.raises(ValueError, match="vectors must"):
        features.matrix(vectors)


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
    assert Featurizer(small, device_class="cuda", optimizer="adamw").matrix(empty).values.shape == (0, 26 + 4)


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
