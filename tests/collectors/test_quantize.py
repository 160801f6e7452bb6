"""Bytes, errors and gradients of the five storage widths."""

import itertools

import pytest
import torch
from torch import nn

from collectors.quantize import QUANTIZERS, Linear16, quantize, stored_bytes, stored_tensors
from perfmodel.memory import quantized_bytes

WIDTHS = (16, 8, 4, 3, 2)
# Relative error of a Gaussian matrix. Source: measured, shared design notes (NF4 0.092, HQQ 3-bit 0.184, 2-bit 0.43);
# bfloat16 rounds to 8 bits of mantissa, int8 to 1/127 of each row's largest weight.
ERRORS = {16: (0.001, 0.003), 8: (0.005, 0.015), 4: (0.085, 0.1), 3: (0.16, 0.2), 2: (0.38, 0.47)}
# Bits per weight as stored, metadata included: the limits that were set for each width.
BITS_PER_WEIGHT = {16: 16.0, 8: 9.1, 4: 4.6, 3: 4.3, 2: 3.1}


def linear(rows, columns, *, bias=False, seed=0):
    torch.manual_seed(seed)
    made = nn.Linear(columns, rows, bias=bias)
    nn.init.normal_(made.weight, std=0.02)
    return made


def dequantized(module, columns):
    """Returns the weight that the module multiplies with; a row of the identity is exact in every format."""
    with torch.no_grad():
        product = module(torch.eye(columns))
    return (product if module.bias is None else product - module.bias).T.float()


@pytest.fixture(scope="module")
def wide():
    """One matrix of SmolLM2's MLP shape at every width."""
    source = linear(576, 1536)
    return source, {bits: quantize(source, bits, torch.float32) for bits in WIDTHS}


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("shape", [(64, 64), (32, 64), (576, 1488), (1488, 576), (192, 576), (576, 64), (64, 112)])
def test_stored_bytes_are_the_closed_form(bits, shape):
    module = quantize(linear(*shape), bits, torch.float32)
    assert stored_bytes(module) == quantized_bytes(*shape, bits, 4)


@pytest.mark.parametrize("bits", WIDTHS)
def test_stored_bytes_stay_the_same_after_training_steps(bits):
    module = quantize(linear(96, 64), bits, torch.float32)
    before = stored_bytes(module)
    for _ in range(2):
        module(torch.randn(3, 64, requires_grad=True)).sum().backward()
    assert stored_bytes(module) == before


@pytest.mark.parametrize("bits", WIDTHS)
def test_bits_per_weight_keep_their_limits(wide, bits):
    found = 8 * sum(tensor.untyped_storage().nbytes() for tensor in stored_tensors(wide[1][bits])) / (576 * 1536)
    assert bits <= found <= BITS_PER_WEIGHT[bits]


@pytest.mark.parametrize("bits", WIDTHS)
def test_relative_error_lies_in_its_range(wide, bits):
    source, modules = wide
    weight = source.weight.detach()
    error = float((dequantized(modules[bits], 1536) - weight).norm() / weight.norm())
    low, high = ERRORS[bits]
    assert low < error < high


def test_errors_are_ordered_by_width(wide):
    source, modules = wide
    weight = source.weight.detach()
    weight = source.weight.detach()
    errors = [float((dequantized(modules[bits], 1536) - weight).norm()) for bits in WIDTHS]
    assert all(fine < coarse for fine, coarse in itertools.pairwise(errors))


@pytest.mark.parametrize("bits", WIDTHS)
def test_the_product_is_that_of_the_dequantised_weight(bits):
    module = quantize(linear(96, 64, bias=True), bits, torch.float32)
    x = torch.randn(5, 7, 64)
    expected = x @ dequantized(module, 64).T + module.bias
    limit = 0.02 if bits == 8 else 1e-5  # int8 rounds the activations too
    assert float((module(x) - expected).norm() / expected.norm()) < limit


@pytest.mark.parametrize("bits", WIDTHS)
def test_the_input_s_gradient_goes_through_the_dequantised_weight(bits):
    module = quantize(linear(96, 64), bits, torch.float32)
    x = torch.randn(5, 7, 64, requires_grad=True)
    upstream = torch.randn(5, 7, 96)
    (module(x) * upstream).sum().backward()
    expected = upstream @ dequantized(module, 64)
    assert float((x.grad - expected).norm() / expected.norm()) < 1e-3


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("bias", [True, False])
def test_weight_and_bias_are_frozen_and_the_bias_is_kept(bits, bias):
    source = linear(96, 64, bias=bias)
    module = quantize(source, bits, torch.float32)
    assert not any(parameter.requires_grad for parameter in module.parameters())
    if bias:
        assert torch.equal(module.bias, source.bias)
    else:
        assert module.bias is None


@pytest.mark.parametrize("bits", WIDTHS)
def test_the_source_is_left_as_it_was(bits):
    source = linear(96, 64, bias=True)
    weight, bias = source.weight.detach().clone(), source.bias.detach().clone()
    module = quantize(source, bits, torch.float32)
    assert torch.equal(source.weight, weight)
    assert torch.equal(source.bias, bias)
    assert all(
        t.untyped_storage().data_ptr() != source.weight.untyped_storage().data_ptr() for t in module.parameters()
    )


def saved_by_autograd(module, x):
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        module(x)
    return kept


def test_sixteen_bits_save_no_float32_copy_for_the_backward_pass():
    source = linear(96, 64, bias=True)
    x = torch.randn(5, 64, requires_grad=True)
    kept = saved_by_autograd(quantize(source, 16, torch.float32), x)
    assert [tensor.dtype for tensor in kept] == [torch.bfloat16]
    assert any(tensor.dtype == torch.float32 for tensor in saved_by_autograd(source, x))  # the check can fail


def test_sixteen_bits_are_bfloat16():
    module = quantize(linear(96, 64), 16, torch.float32)
    assert isinstance(module, Linear16)
    assert module.weight.dtype == torch.bfloat16
    assert module(torch.randn(2, 64)).dtype == torch.float32


def test_a_shared_storage_is_counted_once():
    module = nn.Linear(8, 8, bias=False)
    module.alias = module.weight.data[2:]
    assert stored_bytes(module) == 256


def test_there_is_a_quantizer_for_every_width():
    assert set(QUANTIZERS) == set(WIDTHS)
