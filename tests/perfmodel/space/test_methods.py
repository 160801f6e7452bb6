"""Which methods there are, what excludes what, and the parameters of an adapter."""

import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import (
    ADAPTERS,
    INITIALIZERS,
    PRUNING_METHODS,
    PRUNING_SCOPES,
    WIDTHS,
    Methods,
)


@pytest.mark.parametrize("name", ["pruning_method", "pruning_scope", "initializer", "adapter"])
def test_an_unknown_choice_is_named_with_what_is_allowed(name):
    with pytest.raises(InvalidConfigurationError, match=f"methods.{name} is 'magic'; allowed are "):
        Methods(**{name: "magic"})


@pytest.mark.parametrize("quantizers", ["", "bf16", "bf16|int8|nf4|hqq2g64|hqq3g64", "bf16|int8|nf5|hqq3g64|hqq2g64"])
def test_every_width_has_one_format_of_that_width(quantizers):
    with pytest.raises(InvalidConfigurationError, match="one format for each of"):
        Methods(quantizers=quantizers)


def test_a_format_takes_the_place_of_its_width():
    methods = Methods().with_format("fp4").with_format("hqq8g128")
    assert [methods.format_of(width) for width in WIDTHS] == ["bf16", "hqq8g128", "fp4", "hqq3g64", "hqq2g64"]
    with pytest.raises(InvalidConfigurationError, match="'nf5'"):
        methods.with_format("nf5")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_chosen(name):
    assert Methods().with_format(name).format_of(FORMATS[name].bits) == name


@pytest.mark.parametrize("initializer", ["loftq1", "qera_exact", "eva", "pissa"])
def test_a_pooled_adapter_has_no_start_of_full_size(initializer):
    with pytest.raises(InvalidConfigurationError, match="pooled"):
        Methods(adapter="qblora", initializer=initializer)


@pytest.mark.parametrize("choices", [PRUNING_METHODS, PRUNING_SCOPES, INITIALIZERS, ADAPTERS])
def test_every_choice_says_what_it_is_and_where_it_comes_from(choices):
    assert all(choice.title and choice.source for choice in choices.values())


def test_parameters_of_an_adapter_by_hand():
    assert ADAPTERS["lora"].parameters(30, 20, 4) == 200
    assert ADAPTERS["rslora"].parameters(30, 20, 4) == 200
    assert ADAPTERS["dora"].parameters(30, 20, 4) == 230
    assert ADAPTERS["qblora"].parameters(30, 20, 4) == 8 * 10 + 8 * 15
    assert all(ADAPTERS[name].parameters(30, 20, 0) == 0 for name in ADAPTERS)


def test_methods_come_back_from_their_values():
    methods = Methods("random", "global", initializer="eva")
    assert Methods.from_dict(methods.to_dict()) == methods
    with pytest.raises(InvalidConfigurationError, match="'magic'"):
        Methods.from_dict({"magic": "eva"})
