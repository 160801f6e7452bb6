"""What every quantiser must hold. A new one is proved by its line in ``QUANTIZERS`` and, if PEFT has a class for it, here."""

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from collectors.quantizers import QUANTIZERS, linear_of, stored_bytes, stored_tensors
from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.formats import FORMATS

ALL = pytest.mark.parametrize("name", QUANTIZERS)
ONE_OF_EACH_KIND = ("bf16", "int8", "nf4", "nf4dq", "fp4", "hqq8g64", "hqq4g32", "hqq3g64", "hqq2g128")
"""Every code path once: HQQ's group sizes differ in counts of bytes and in error only, which other tests try on all."""

EACH = pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
SHAPES = [(192, 576), (64, 112), (3, 64), (33, 65)]
PEFT_LAYER = {"bf16": "lora.layer.Linear", "int8": "lora.bnb.Linear8bitLt"} | dict.fromkeys(
    ("nf4", "nf4dq", "fp4"), "lora.bnb.Linear4bit"
)
"""HQQ's is the rest's."""


def group_of(name):
    return int(name.partition("g")[2]) if name.startswith("hqq") else 1


def storable(name, rows, columns):
    """Said again in other words than ``Format``: whole groups, and whole bytes of one value of each of several groups."""
    groups, rest = divmod(rows * columns, group_of(name))
    per_byte = {"hqq2": 4, "hqq4": 2}.get(name[:4], 1)
    return not rest and not groups % per_byte


def norm_ratio(found, expected):
    return float((found - expected).norm() / expected.norm())


def error(name, module, source):
    return norm_ratio(QUANTIZERS[name].dequantize(module), source.weight.detach())


def through_safetensors(tensors):
    return load(save(tensors))


def outputs(module, x):
    """Returns output in training, the input's gradient, and output in evaluation."""
    x = x.detach().requires_grad_()
    module.train()
    trained = module(x)
    trained.float().square().sum().backward()
    module.eval()
    with torch.no_grad():
        evaluated = module(x.detach())
    module.train()
    return trained.detach(), x.grad, evaluated


def test_there_is_a_quantizer_for_every_format_under_its_name():
    assert list(QUANTIZERS) == list(FORMATS)
    assert all(quantizer.format is FORMATS[name] for name, quantizer in QUANTIZERS.items())


@ALL
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_stored_bytes_are_the_closed_form_or_the_shape_is_refused(name, shape, make_linear):
    quantizer, linear, dtype = QUANTIZERS[name], make_linear(*shape), torch.bfloat16
    if storable(name, *shape):
        module = quantizer.quantize(linear, dtype)

        assert stored_bytes(module) == quantizer.format.stored_bytes(*shape, dtype.itemsize)
        assert quantizer.dequantize(module).shape == shape
    else:
        for refuse in (lambda: quantizer.quantize(linear, dtype), lambda: quantizer.format.stored_bytes(*shape, 4)):
            with pytest.raises(
                InvalidConfigurationError, match=rf"{name} .*groups of {group_of(name)}.* {shape[0]} x {shape[1]};"
            ):
                refuse()


@EACH
def test_packed_tensors_are_all_that_is_stored(name, make_linear):
    module = QUANTIZERS[name].quantize(make_linear(96, 64, bias=True), torch.float32)
    tensors = QUANTIZERS[name].pack(module)

    assert all(type(tensor) is torch.Tensor and not tensor.requires_grad for tensor in tensors.values())
    assert sum(tensor.nbytes for tensor in tensors.values()) == stored_bytes(module)


@EACH
@pytest.mark.parametrize(
    ("bias", "dtype", "used"),
    [(True, torch.float32, True), (False, torch.bfloat16, False)],
    ids=["used, with bias", "fresh, without"],
)
def test_a_module_that_was_packed_and_unpacked_is_the_same(name, bias, dtype, used, make_linear):
    quantizer = QUANTIZERS[name]
    module = quantizer.quantize(make_linear(96, 128, bias=bias), dtype)
    x = torch.randn(5, 7, 128, dtype=dtype)
    if used:
        outputs(module, x)
    tensors = quantizer.pack(module)
    again = quantizer.unpack(through_safetensors(tensors), (96, 128), dtype, torch.device("cpu"))

    assert type(again) is type(module)
    assert (again.in_features, again.out_features) == (128, 96)
    assert stored_bytes(again) == stored_bytes(module)
    assert not any(parameter.requires_grad for parameter in again.parameters())
    assert all(map(torch.equal, outputs(module, x), outputs(again, x)))
    repacked = quantizer.pack(again)
    assert list(repacked) == list(tensors)
    assert all(torch.equal(repacked[key], tensor) for key, tensor in tensors.items())


@EACH
def test_unpacking_where_the_tensors_lie_copies_nothing(name, make_linear):
    quantizer = QUANTIZERS[name]
    tensors = quantizer.pack(quantizer.quantize(make_linear(96, 64, bias=True), torch.float32))
    module = quantizer.unpack(tensors, (96, 64), torch.float32, torch.device("cpu"))

    assert {tensor.data_ptr() for tensor in stored_tensors(module)} == {
        tensor.data_ptr() for tensor in tensors.values()
    }


@ALL
def test_the_error_on_a_gaussian_matrix_is_the_format_s(name, wide):
    source, modules = wide
    # The format's figure is a mean over three shapes, and int8's error grows with the length of a row.
    assert error(name, modules[name], source) == pytest.approx(FORMATS[name].gaussian_error, rel=0.06)


@EACH
def test_only_hqq_s_eight_bits_lose_by_bfloat16_scales_and_zeros(name, make_linear):
    source = make_linear(192, 576)
    fine, coarse = (
        error(name, QUANTIZERS[name].quantize(source, dtype), source) for dtype in (torch.float32, torch.bfloat16)
    )
    # Zeros of up to 255 have a step of 1 in bfloat16, as wide as the grid itself.
    low, high = (1.2, 1.6) if name.startswith("hqq8") else (0.999, 1.01)
    assert low < coarse / fine < high


@pytest.mark.parametrize(
    "family",
    [
        ("bf16", "int8", "nf4", "hqq3g64", "hqq2g64"),
        ("int8", "nf4", "nf4dq"),
        ("int8", "fp4"),
        tuple(f"hqq{bits}g64" for bits in (8, 4, 3, 2)),
        *(tuple(f"hqq{bits}g{group}" for group in (32, 64, 128)) for bits in (8, 4, 3, 2)),
    ],
    ids="-".join,
)
def test_fewer_bits_or_wider_groups_never_lessen_the_error(family, wide):
    source, modules = wide
    errors = [error(name, modules[name], source) for name in family]

    assert errors == sorted(errors)
    assert len(set(errors)) == len(errors)


@EACH
@pytest.mark.parametrize(
    ("training", "bias"), [(True, True), (False, False)], ids=["training, with bias", "evaluation, without"]
)
def test_the_product_is_that_of_the_dequantised_weight(name, bias, training, make_linear):
    module = QUANTIZERS[name].quantize(make_linear(96, 128, bias=bias), torch.float32).train(training)
    x = torch.randn(5, 7, 128)
    with torch.set_grad_enabled(training):
        found = module(x).detach()
    expected = x @ QUANTIZERS[name].dequantize(module).T + (module.bias if bias else 0)
    # int8 rounds activations too, except in training on a CPU.
    assert norm_ratio(found, expected) < (0.02 if name == "int8" and not training else 1e-5)


@EACH
def test_the_input_s_gradient_goes_through_the_dequantised_weight(name, make_linear):
    module = QUANTIZERS[name].quantize(make_linear(96, 128), torch.float32)
    x, upstream = torch.randn(5, 7, 128, requires_grad=True), torch.randn(5, 7, 96)
    with torch.no_grad():  # an evaluation before must not take the gradient away
        module.eval()(x.detach())
    (module.train()(x) * upstream).sum().backward()

    assert norm_ratio(x.grad, upstream @ QUANTIZERS[name].dequantize(module)) < 1e-5


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_source_is_left_as_it_was_and_shares_nothing(name, dtype, make_linear):
    source = make_linear(96, 128, bias=True).to(dtype)
    weight, bias = source.weight.detach().clone(), source.bias.detach().clone()
    module = QUANTIZERS[name].quantize(source, dtype)

    assert torch.equal(source.weight, weight) and torch.equal(source.bias, bias)
    assert source.weight.requires_grad and source.weight.dtype == dtype
    assert torch.equal(module.bias, bias)
    theirs = {tensor.untyped_storage().data_ptr() for tensor in stored_tensors(source)}
    assert not theirs & {tensor.untyped_storage().data_ptr() for tensor in stored_tensors(module)}


@EACH
def test_peft_wraps_it_as_its_own_kind_and_trains_it(name, make_linear):
    from peft import LoraConfig, get_peft_model

    model = nn.Module()
    model.proj = QUANTIZERS[name].quantize(make_linear(96, 128), torch.float32)
    model.forward = model.proj.forward
    model.is_loaded_in_4bit = model.is_loaded_in_8bit = True
    before = {key: tensor.clone() for key, tensor in QUANTIZERS[name].pack(model.proj).items()}
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["proj"]))
    x, target = torch.randn(16, 128), torch.randn(16, 96)
    optimizer = torch.optim.SGD([p for p in adapted.parameters() if p.requires_grad], lr=0.5)
    losses = []
    for _ in range(20):
        loss = (model.proj(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())

    layer = type(model.proj)
    assert f"{layer.__module__}.{layer.__qualname__}".endswith(PEFT_LAYER.get(name, "lora.hqq.HqqLoraLinear"))
    assert losses[-1] < 0.95 * losses[0]
    after = QUANTIZERS[name].pack(model.proj.base_layer)
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())


@ALL
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device; torch finds none here")
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_bfloat16_on_cuda(name, bias, make_linear):
    quantizer, device = QUANTIZERS[name], torch.device("cuda")
    source = make_linear(96, 128, bias=bias)
    module = quantizer.quantize(source.to(device), torch.bfloat16)
    x, upstream = torch.randn(5, 7, 128), torch.randn(5, 7, 96)
    x, upstream = (tensor.to(device, torch.bfloat16) for tensor in (x, upstream))
    host = {key: tensor.cpu() for key, tensor in quantizer.pack(module).items()}
    again = quantizer.unpack(through_safetensors(host), (96, 128), torch.bfloat16, device)

    assert all(tensor.device.type == "cuda" for tensor in stored_tensors(again))
    assert stored_bytes(again) == stored_bytes(module)
    assert all(map(torch.equal, outputs(module, x), outputs(again, x)))
    weight = quantizer.dequantize(module)
    limit = 0.6 if name.startswith("hqq8") else 0.1
    assert norm_ratio(weight, source.weight.detach()) == pytest.approx(FORMATS[name].gaussian_error, rel=limit)
    expected = x.float() @ weight.T + (module.bias.float() if bias else 0)
    assert norm_ratio(module(x).detach().float(), expected) < 0.02
    x = x.requires_grad_()
    (module(x) * upstream).sum().backward()
    assert norm_ratio(x.grad.float(), upstream.float() @ weight) < 0.02


ROWS, COLUMNS = (
    torch.tensor([0, 1, 5, 40, 95]).repeat_interleave(2) + torch.tensor([0, 96]).repeat(5),
    torch.arange(128, 384),
)


@EACH
@pytest.mark.parametrize(
    ("rows", "columns", "bias"),
    [(ROWS, None, True), (ROWS, COLUMNS, False), (None, COLUMNS.view(-1, 128).flip(0).flatten(), True)],
    ids=["rows", "both", "columns in another order"],
)
def test_a_part_that_is_cut_has_the_whole_s_weights(name, rows, columns, bias, make_linear):
    quantizer, source = QUANTIZERS[name], make_linear(192, 512, bias=bias)
    whole = quantizer.quantize(source, torch.float32)
    tensors = quantizer.cut(lambda: quantizer.pack(whole), (192, 512), rows, columns)
    kept_rows = torch.arange(192) if rows is None else rows
    kept_columns = torch.arange(512) if columns is None else columns
    weight = source.weight.detach()[kept_rows][:, kept_columns]
    spot = quantizer.quantize(linear_of(weight, source.bias.detach()[kept_rows] if bias else None), torch.float32)

    if not name.startswith("hqq"):
        assert tensors is None  # made on the spot in no time
        return
    part = quantizer.unpack(tensors, tuple(weight.shape), torch.float32, torch.device("cpu"))
    assert torch.equal(quantizer.dequantize(part), quantizer.dequantize(whole)[kept_rows][:, kept_columns])
    assert stored_bytes(part) == stored_bytes(spot)
    assert list(quantizer.pack(part)) == list(quantizer.pack(spot))
    assert norm_ratio(quantizer.dequantize(part), weight) == pytest.approx(
        error(name, spot, linear_of(weight)), rel=0.02
    )
    assert part.bias is None if not bias else torch.equal(part.bias, spot.bias)


@pytest.mark.parametrize("name", ["hqq4g32", "hqq3g64", "hqq2g128"])
@pytest.mark.parametrize(
    ("shape", "columns"),
    [
        ((64, 192 + 16), None),
        ((64, 256), torch.arange(1, 129)),
        ((64, 256), torch.arange(0, 256, 2)),
        ((64, 256), torch.arange(48)),
    ],
    ids=["groups over two rows", "shifted", "every second", "part of a group"],
)
def test_a_group_that_would_lose_a_part_is_not_cut(name, shape, columns):
    assert QUANTIZERS[name].cut(lambda: pytest.fail("not needed"), shape, torch.arange(8), columns) is None
