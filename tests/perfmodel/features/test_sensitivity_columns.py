"""Columns of sensitivities: by hand, at the ends, and only for what was measured."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.features.sensitivity_columns import (
    COST_COLUMNS,
    SENSITIVITY_COLUMNS,
    SENSITIVITY_GROUPS,
    SensitivityFeaturizer,
)
from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.methods import DEFAULT_METHODS, Methods
from perfmodel.space.space import Configuration

LAYERS = 3
WIDTHS = (2, 4)


@pytest.fixture
def architecture(smollm2_config):
    return Architecture.from_config({**smollm2_config, "num_hidden_layers": LAYERS})


def make_record(units, unit="layer"):
    rng = np.random.default_rng(1)
    tables = {
        name: np.sort(rng.random((units, 2)))[:, ::-1] for name in ("kl", "loss_change", "weight_error", "output_error")
    }
    return Sensitivities(
        "tiny",
        "a" * 64,
        "sums",
        "b" * 64,
        DEFAULT_METHODS,
        unit,
        WIDTHS,
        5,
        gradient_norm=rng.random(units),
        information=rng.random(units),
        rates=np.array([0.0, 0.1, 0.3]),
        taylor_mass=np.array([0.0, 0.02, 0.2]),
        **tables,
    )


def columns_of(record, architecture, *configurations):
    arrays = ConfigurationArrays.from_configurations(configurations)
    return SensitivityFeaturizer(record, architecture).matrix(arrays).frame()


def test_columns_by_hand(architecture):
    record = make_record(LAYERS)
    table = columns_of(record, architecture, Configuration(0.3, (2, 16, 4), (8, 0, 2)))
    (row,) = table.to_dict("records")
    kl, change = record.kl, record.loss_change
    sizes, pull = np.log2([9.0, 1.0, 3.0]), record.gradient_norm

    assert tuple(table.columns) == SENSITIVITY_COLUMNS
    assert row["sense_kl_sum"] == pytest.approx(kl[0, 0] + kl[2, 1])
    assert row["sense_kl_log"] == pytest.approx(np.log1p(kl[0, 0] + kl[2, 1]))
    assert row["sense_loss_change_sum"] == pytest.approx(change[0, 0] + change[2, 1])
    assert row["sense_kl_mean"] == pytest.approx((kl[0, 0] + kl[2, 1]) / 3)  # three layers of one size
    assert row["sense_output_error_mean"] == pytest.approx((record.output_error[0, 0] + record.output_error[2, 1]) / 3)
    assert row["sense_gradient_rank"] == pytest.approx((pull * sizes).sum() / pull.sum())
    assert row["sense_kl_rank"] == pytest.approx(kl[:, 0] @ sizes / kl[:, 0].sum())
    assert row["sense_taylor_mass"] == 0.2


def test_modules_are_weighted_by_their_parameters(architecture):
    units = LAYERS * len(architecture.modules)
    record = make_record(units, "module")
    bits = [16] * units
    bits[1], bits[4] = 2, 2  # k_proj 192 x 576 and gate_proj 1536 x 576 of the first layer
    table = columns_of(record, architecture, Configuration(0.0, tuple(bits), (4,) * units))
    whole = LAYERS * architecture.layer_parameters(0)
    expected = (record.weight_error[1, 0] * 192 * 576 + record.weight_error[4, 0] * 1536 * 576) / whole

    assert table["sense_weight_error_mean"].item() == pytest.approx(expected)


def test_pruned_layers_weigh_less(smollm2_config):
    whole = Architecture.from_config({**smollm2_config, "num_hidden_layers": 8})
    left = whole.pruned(0.3)
    sizes = np.array([left.layer_parameters(layer) for layer in range(8)], dtype=float)
    record = make_record(8)
    table = columns_of(record, whole, Configuration.uniform(8, bits=4, rank=2, pruning_rate=0.3))

    assert sizes.min() < 0.8 * sizes.max()
    assert table["sense_kl_mean"].item() == pytest.approx((record.kl[:, 1] * sizes).sum() / sizes.sum())
    assert table["sense_kl_sum"].item() == pytest.approx(record.kl[:, 1].sum())


def test_a_cost_never_falls_with_fewer_bits(architecture):
    kl = np.array([[0.2, 0.5], [-0.3, -0.1], [0.6, 0.4]])
    record = replace(make_record(LAYERS), loss_change=kl)
    two, four = (Configuration.uniform(LAYERS, bits=bits, rank=2) for bits in (2, 4))
    table = columns_of(record, architecture, two, four)

    assert table["sense_loss_change_sum"].tolist() == pytest.approx([0.5 + 0 + 0.6, 0.5 + 0 + 0.4])
    assert table["sense_loss_change_log"].to_numpy() == pytest.approx(np.log1p([1.1, 0.9]))


def test_columns_of_costs_rise_as_bits_of_any_unit_fall(architecture):
    rng, record = np.random.default_rng(3), make_record(LAYERS)
    bits = rng.choice([4, 16], size=(40, LAYERS))
    fewer = bits.copy()
    fewer[np.arange(40), rng.integers(LAYERS, size=40)] = 2
    before, after = (
        columns_of(record, architecture, *(Configuration(0.1, tuple(row.tolist()), (2,) * LAYERS) for row in each))
        for each in (bits, fewer)
    )

    assert (after[list(COST_COLUMNS)] >= before[list(COST_COLUMNS)]).all(axis=None)
    others = [name for name in SENSITIVITY_COLUMNS if name not in COST_COLUMNS]
    assert after[others].equals(before[others])


def test_every_column_has_one_kind_of_measurement():
    assert sorted(sum(SENSITIVITY_GROUPS.values(), ())) == sorted(SENSITIVITY_COLUMNS)


def test_nothing_stored_below_sixteen_bits_costs_nothing(architecture):
    configurations = [Configuration.uniform(LAYERS, bits=16, rank=rank) for rank in (0, 3)]
    table = columns_of(make_record(LAYERS), architecture, *configurations)

    assert (table[[*COST_COLUMNS, "sense_taylor_mass"]] == 0).all(axis=None)
    assert table["sense_kl_rank"].tolist() == pytest.approx([0.0, 2.0])
    assert table["sense_gradient_rank"].to_numpy() == pytest.approx([0.0, 2.0])


def test_many_rows_equal_one_row_at_a_time(architecture):
    rng, record = np.random.default_rng(2), make_record(LAYERS)
    configurations = [
        Configuration(
            float(rng.choice([0.0, 0.1, 0.3])),
            tuple(int(value) for value in rng.choice([2, 4, 16], LAYERS)),
            tuple(int(value) for value in rng.choice([0, 8], LAYERS)),
        )
        for _ in range(50)
    ]
    together = columns_of(record, architecture, *configurations).to_numpy()
    alone = np.vstack([columns_of(record, architecture, each).to_numpy() for each in configurations])

    assert together == pytest.approx(alone, rel=1e-12)
    assert len(np.unique(together[:, 0])) > 20


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        (Configuration.uniform(LAYERS, bits=3, rank=2), "3 bits"),
        (Configuration.uniform(LAYERS, bits=2, rank=2, pruning_rate=0.2), "0.2"),
        (Configuration.uniform(LAYERS + 1, bits=2, rank=2), "4 units"),
        (Configuration.uniform(LAYERS, bits=2, rank=2, methods=DEFAULT_METHODS.with_format("fp4")), "fp4"),
        (Configuration.uniform(LAYERS, bits=2, rank=2, methods=Methods(pruning_method="magnitude")), "magnitude"),
    ],
)
def test_what_was_not_measured_is_refused(architecture, configuration, named):
    with pytest.raises(InvalidConfigurationError, match=named):
        columns_of(make_record(LAYERS), architecture, configuration)


def test_other_initialisers_and_adapters_share_the_record(architecture):
    plain = Configuration(0.1, (2, 4, 16), (8, 0, 2))
    started = replace(plain, methods=Methods(initializer="pissa", adapter="dora"))
    record = make_record(LAYERS)

    assert columns_of(record, architecture, plain).equals(columns_of(record, architecture, started))


def test_a_record_of_another_model_is_refused(architecture):
    with pytest.raises(InvalidConfigurationError, match="5 units"):
        SensitivityFeaturizer(make_record(5), architecture)
