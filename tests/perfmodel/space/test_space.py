"""Legal configurations, their vectors and their JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.errors import InvalidConfigurationError, SchemaVersionError
from perfmodel.space.arrays import by_module
from perfmodel.space.methods import Methods
from perfmodel.space.space import SPACE_VERSION, Configuration, Space

SMALL = Space(3, (0.0, 0.25), (2, 4, 16), (0, 4, 8))


def configurations(space):
    def per_layer(choices):
        return st.tuples(*[st.sampled_from(choices)] * space.units)

    return st.builds(
        Configuration, st.sampled_from(space.pruning_rates), per_layer(space.bits), per_layer(space.ranks).filter(any)
    )


@given(st.lists(configurations(SMALL), max_size=6))
@settings(max_examples=50, deadline=None)
def test_decoding_undoes_encoding(given_ones):
    vectors = SMALL.encode(given_ones)

    assert vectors.shape == (len(given_ones), 7)
    assert (vectors < SMALL.cardinalities).all()
    assert SMALL.decode(vectors) == given_ones


@given(configurations(SMALL))
@settings(max_examples=50, deadline=None)
def test_plain_values_survive_json(configuration):
    again = Configuration.from_dict(json.loads(json.dumps(configuration.to_dict())))

    assert again == configuration
    assert again.identifier == configuration.identifier


def test_vectors_hold_rate_then_bits_then_ranks():
    vector = SMALL.encode([Configuration(0.25, (2, 4, 16), (0, 8, 4))])

    assert vector.tolist() == [[1, 0, 1, 2, 0, 2, 1]]
    assert SMALL.cardinalities.tolist() == [2, 3, 3, 3, 3, 3, 3]


def test_decoded_values_are_plain_numbers():
    decoded = SMALL.decode(np.array([[0, 0, 1, 2, 0, 1, 2]]))[0]

    assert all(type(value) is int for value in (*decoded.bits, *decoded.ranks))
    json.dumps(decoded.to_dict())


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (Configuration(0.3, (4, 4, 4), (4, 4, 4)), "pruning_rate is 0.3; allowed are 0.0, 0.25"),
        (Configuration(0.0, (4, 5, 4), (4, 4, 4)), r"bits\[1\] is 5; allowed are 2, 4, 16"),
        (Configuration(0.0, (4, 4, 4), (4, 4, 3)), r"ranks\[2\] is 3; allowed are 0, 4, 8"),
        (Configuration(0.0, (4, 4), (4, 4, 4)), "bits has 2 entries; the space has 3 units"),
        (Configuration(0.0, (4, 4, 4), (4,) * 4), "ranks has 4 entries; the space has 3 units"),
        (Configuration(0.0, (4, 4, 4), (0, 0, 0)), "every rank is 0"),
    ],
)
def test_what_lies_outside_is_named(configuration, message):
    with pytest.raises(InvalidConfigurationError, match=message):
        SMALL.validate(configuration)
    with pytest.raises(InvalidConfigurationError, match=message):
        SMALL.encode([configuration])


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("pruning_rates", ()),
        ("pruning_rates", (0.0, 1.0)),
        ("pruning_rates", (-0.1, 0.0)),
        ("bits", (5,)),
        ("bits", (4, 2)),
        ("bits", (4, 4)),
        ("ranks", (0,)),
        ("ranks", (-2, 4)),
        ("ranks", ()),
    ],
)
def test_illegal_choices_are_refused(name, choices):
    with pytest.raises(InvalidConfigurationError, match=rf"space.{name} is .*rising, each once"):
        Space(2, **{name: choices})


def test_a_space_needs_a_unit():
    with pytest.raises(InvalidConfigurationError, match=r"a space of 0 units"):
        Space(0)


def test_a_rank_larger_than_the_layer_is_refused(tiny):
    limit = tiny.smallest_dimension

    assert Space.for_architecture(tiny, ranks=(0, limit)).ranks == (0, limit)
    with pytest.raises(InvalidConfigurationError, match=rf"rank {limit + 1} is larger than the layer.*side of {limit}"):
        Space.for_architecture(tiny, ranks=(0, limit + 1))


def test_the_json_makes_the_same_space_again():
    again = Space.from_json(SMALL.to_json())

    assert again == SMALL
    assert json.loads(SMALL.to_json())["version"] == SPACE_VERSION


def test_a_newer_json_is_refused():
    newer = json.dumps({**json.loads(SMALL.to_json()), "version": SPACE_VERSION + 1})

    with pytest.raises(SchemaVersionError, match=rf"version {SPACE_VERSION + 1}.*upgrade"):
        Space.from_json(newer)


def test_a_misspelt_key_is_named_with_the_one_that_was_meant():
    with pytest.raises(InvalidConfigurationError, match=r"the key 'rank'.*did you mean 'ranks'"):
        Configuration.from_dict({"pruning_rate": 0.0, "bits": [4], "rank": [8]})


@pytest.mark.parametrize(
    "values",
    [
        {"pruning_rate": 0.0, "bits": [4]},
        {"pruning_rate": "half", "bits": [4], "ranks": [4]},
        {"pruning_rate": 0.0, "bits": 4, "ranks": [4]},
        {"pruning_rate": 0.0, "bits": [None], "ranks": [4]},
        {"pruning_rate": 0.0, "bits": "4", "ranks": [4]},
        {"pruning_rate": 0.0, "bits": [4.9], "ranks": [4]},
        {"pruning_rate": 0.0, "bits": [4], "ranks": [True]},
    ],
)
def test_values_that_are_no_configuration_are_refused(values):
    with pytest.raises(InvalidConfigurationError, match=r"cannot be read"):
        Configuration.from_dict(values)


def test_identifiers_differ_where_configurations_do_and_only_there():
    first = Configuration(0.0, (4, 4), (8, 8))

    assert first.identifier == Configuration(0, (4, 4), (8, 8)).identifier
    others = [
        Configuration(0.1, (4, 4), (8, 8)),
        Configuration(0.0, (4, 2), (8, 8)),
        Configuration(0.0, (4, 4), (8, 4)),
    ]
    assert len({first.identifier, *(each.identifier for each in others)}) == 4


def test_uniform_means_one_width_and_one_rank():
    assert Configuration.uniform(3, bits=4, rank=8).is_uniform
    assert not Configuration(0.0, (4, 4), (8, 4)).is_uniform
    assert not Configuration(0.0, (4, 2), (8, 8)).is_uniform


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", SMALL.to_json().replace(str(SMALL.units), "4.9", 1), '{"version": 1}', '{"version": "x"}']
)
def test_text_that_is_no_space_is_refused(text):
    with pytest.raises(InvalidConfigurationError, match="the text is no space"):
        Space.from_json(text)


def test_a_space_of_version_1_is_one_of_layers_and_default_methods():
    old = '{"version": 1, "layers": 3, "pruning_rates": [0.0, 0.25], "bits": [2, 4, 16], "ranks": [0, 4, 8]}'
    assert Space.from_json(old) == SMALL


def test_modules_may_be_units(tiny):
    space = Space.for_architecture(tiny, unit="module", methods=Methods(adapter="dora"))
    assert space.units == len(tiny.layers) * 7
    assert Space.from_json(space.to_json()) == space
    configuration = space.decode(space.cardinalities[None, :] - 1)[0]
    assert configuration.methods.adapter == "dora"
    space.validate(configuration)
    with pytest.raises(InvalidConfigurationError, match=r"those of the space are .*dora"):
        space.validate(replace(configuration, methods=Methods()))


def test_methods_stand_in_a_configuration_s_values_where_they_are_not_the_defaults():
    plain = Configuration.uniform(3, bits=4, rank=8)
    other = replace(plain, methods=Methods(initializer="olora"))
    assert "methods" not in plain.to_dict()
    assert all(Configuration.from_dict(each.to_dict()) == each for each in (plain, other))
    assert plain.identifier != other.identifier
    with pytest.raises(InvalidConfigurationError, match=r"initializer is 'magic'.*olora"):
        Configuration.from_dict({**plain.to_dict(), "methods": {"initializer": "magic"}})
    with pytest.raises(InvalidConfigurationError, match=r"methods is 'olora'; a mapping"):
        Configuration.from_dict({**plain.to_dict(), "methods": "olora"})


def test_values_by_layer_or_by_module_become_one_for_each_module():
    assert by_module((4, 2), 2, 3) == ((4, 4, 4), (2, 2, 2))
    assert by_module((1, 2, 3, 4, 5, 6), 2, 3) == ((1, 2, 3), (4, 5, 6))
    with pytest.raises(InvalidConfigurationError, match=r"4 units.*give 2 or 6"):
        by_module((1, 2, 3, 4), 2, 3)
