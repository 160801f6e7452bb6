"""A format whose grid the base has been through is refused; others pass."""

import pytest
import torch

from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.quantizers import QUANTIZERS, linear_of
from collectors.quantizers.fairness import RoundingErrors, check_fair, rounding_errors, sample_weights
from datasets_cache import load_model, resolve
from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS


def through(name, model, architecture):
    """Puts every linear weight of a model on a format's grid."""
    for layer in decoder_layers(model):
        for place in linear_modules(layer, architecture).values():
            weight = getattr(*place).weight
            module = QUANTIZERS[name].quantize(linear_of(weight), torch.float32)
            weight.data.copy_(QUANTIZERS[name].dequantize(module))
    return model


@pytest.fixture(scope="module")
def architecture(make_model):
    return Architecture.from_config(make_model(hidden_size=128).config.to_dict())


@pytest.fixture(scope="module")
def weights(make_model, architecture):
    return sample_weights(make_model(hidden_size=128), architecture)


def test_the_three_matrices_are_spread_over_the_model(make_model, architecture, weights):
    layers = decoder_layers(make_model(hidden_size=128))

    for found, (layer, parent, name) in zip(
        weights, [(0, "self_attn", "q_proj"), (4, "mlp", "down_proj"), (7, "mlp", "gate_proj")], strict=True
    ):
        assert torch.equal(found, getattr(getattr(layers[layer], parent), name).weight)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_gaussian_weights_are_fair_to_every_format(name, weights):
    errors = rounding_errors(QUANTIZERS[name], weights)

    assert errors.ratio == pytest.approx(1, abs=0.15)
    check_fair(QUANTIZERS[name], weights, "tiny")


@pytest.mark.parametrize("name", ["int8", "nf4", "fp4", "hqq8g64", "hqq3g128"])
def test_a_base_that_has_been_through_a_format_refuses_it(name, make_model, architecture):
    base = through(name, make_model(hidden_size=128), architecture)
    weights = sample_weights(base, architecture)

    assert rounding_errors(QUANTIZERS[name], weights).ratio < 0.5
    with pytest.raises(InvalidConfigurationError, match=rf"{name} leaves .* on tiny, and \d\.\d+ on Gaussian"):
        check_fair(QUANTIZERS[name], weights, "tiny")


def test_a_base_that_has_been_through_one_format_is_fair_to_a_coarser_one(make_model, architecture):
    weights = sample_weights(through("int8", make_model(hidden_size=128), architecture), architecture)

    check_fair(QUANTIZERS["hqq2g64"], weights, "tiny")


def test_half_of_the_gaussian_error_is_the_limit():
    assert RoundingErrors(model=0.05, gaussian=0.1).fair(4)
    assert not RoundingErrors(model=0.0499, gaussian=0.1).fair(4)
    assert RoundingErrors(model=0.0, gaussian=0.0017).fair(16)


@pytest.mark.real
def test_smollm2_refuses_the_grid_it_was_published_on():
    base = resolve("smollm2-135m")
    weights = sample_weights(load_model(base, dtype=torch.float32), Architecture.from_config(base.config))

    for name in ("hqq4g32", "hqq8g32"):
        with pytest.raises(InvalidConfigurationError, match=rf"{name} .* on smollm2-135m"):
            check_fair(QUANTIZERS[name], weights, "smollm2-135m")
    for name in ("nf4", "hqq4g64", "hqq3g64"):
        check_fair(QUANTIZERS[name], weights, "smollm2-135m")
        errors = rounding_errors(QUANTIZERS[name], weights)
        assert errors.model == pytest.approx(FORMATS[name].relative_error, rel=0.02)
        assert errors.gaussian == pytest.approx(FORMATS[name].gaussian_error, rel=0.02)
