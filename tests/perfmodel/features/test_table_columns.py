"""Look-up tables give the columns that the featurizer computes, for few rows and for many."""

import numpy as np
import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.columns import BYTE_COLUMNS, SUMMARY_COLUMNS, Featurizer
from perfmodel.features.table_columns import CHUNK, FEW, SpaceFeatures
from perfmodel.space.arrays import ConfigurationArrays, space_vectors
from perfmodel.space.methods import Methods
from perfmodel.space.space import Configuration, Space


@pytest.mark.parametrize("unit", ["layer", "module"])
@pytest.mark.parametrize("count", [0, 1, FEW - 1, FEW, CHUNK + 3])
def test_columns_are_those_of_the_featurizer(tiny, unit, count):
    methods = Methods(adapter="dora", quantizers="bf16|hqq8g64|fp4|hqq3g128|hqq2g32")
    space = Space.for_architecture(tiny, unit=unit, methods=methods, pruning_rates=(0.1, 0.5), ranks=(0, 4, 32))
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw_8bit")
    vectors = np.random.default_rng(count).integers(space.cardinalities, size=(count, len(space.cardinalities)))
    vectors[: count // 2, 1 + space.units : -3] = 0  # adapters begin late
    vectors[:1, 1 + space.units :] = 0
    wanted = featurizer.matrix(ConfigurationArrays.from_vectors(space, vectors))
    found = SpaceFeatures(space, featurizer).matrix(vectors)
    assert found.columns == wanted.columns
    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-12, atol=1e-14)
    exact = [SUMMARY_COLUMNS.index(name) for name in BYTE_COLUMNS]
    np.testing.assert_array_equal(found.values[:, exact], wanted.values[:, exact])


@pytest.mark.parametrize("change", [lambda v: v[:, :-1], lambda v: v + 100, lambda v: v - 100, lambda v: v[0]])
def test_vectors_outside_the_space_are_refused(tiny, tiny_space, draw_configurations, change):
    features = SpaceFeatures(tiny_space, Featurizer(tiny, device_class="cuda", optimizer="adamw"))
    with pytest.raises(ValueError, match="vectors must"):
        features.matrix(change(tiny_space.encode(draw_configurations(2))))


def test_vectors_are_those_of_encode(tiny_space, draw_configurations):
    configurations = draw_configurations(50)
    np.testing.assert_array_equal(space_vectors(tiny_space, configurations), tiny_space.encode(configurations))
    assert space_vectors(tiny_space, []).shape == (0, 21)
    legal = Configuration.uniform(10, bits=4, rank=8)
    for illegal in (
        Configuration(0.15, legal.bits, legal.ranks),
        Configuration(0.0, (5,) * 10, legal.ranks),
        Configuration(0.0, legal.bits, (128,) * 10),
        Configuration(0.0, legal.bits, (0,) * 10),
        Configuration(0.0, legal.bits[:9], legal.ranks),
        Configuration(0.0, legal.bits, legal.ranks, Methods(adapter="dora")),
    ):
        with pytest.raises(InvalidConfigurationError):
            space_vectors(tiny_space, [legal, illegal])
