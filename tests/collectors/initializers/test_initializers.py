"""What holds for every initialiser, whatever the format, the shape and the rank."""

import pytest
import torch

from collectors.initializers import INITIALIZERS
from perfmodel.space.methods import INITIALIZERS as CHOICES

KEEPS_BASE = ("zero", "gaussian", "orthogonal", "loftq1", "qera_diag", "qera_exact", "eva")
TAKES_OUT = ("olora", "pissa", "corda")
LOFTQ = ("loftq1", "loftq5")
NAMES = tuple(name for name in INITIALIZERS if name not in ("loftq2", "loftq3", "loftq4"))
"""LoftQ's rounds are one code: the fewest and the most stand for the rest."""
ADDS_NOTHING = ("zero", "gaussian", "orthogonal", "eva")


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_every_named_initializer_is_here():
    assert list(INITIALIZERS) == list(CHOICES)


def test_what_attach_is_told():
    told = {name: initializer.peft_start for name, initializer in INITIALIZERS.items()}
    assert told == dict.fromkeys(CHOICES, True) | {"gaussian": "gaussian", "orthogonal": "orthogonal"}


@pytest.mark.parametrize("fmt", ["int8", "hqq2g64"])
def test_shapes_and_types(case, name, fmt):
    rows, columns = case.weight.shape
    before = case.weight.clone()
    start, whole = case.start(name, fmt)
    assert torch.equal(case.weight, before)
    assert whole.shape == (rows, columns)
    assert bool(whole.isfinite().all())
    if name in ("zero", "gaussian", "orthogonal"):
        assert start.a is None and start.b is None
    elif start.a is not None:
        assert (start.a.shape, start.b.shape) == ((8, columns), (rows, 8))
        assert start.a.dtype == start.b.dtype == torch.float32
        assert start.a.is_contiguous() and start.b.is_contiguous()
        assert float(start.a.norm(dim=1).min()) > 0  # or that direction would never train


def test_the_same_start_twice(square, name):
    (first, whole), (second, again) = square.start(name, "hqq2g64"), square.start(name, "hqq2g64")
    assert torch.equal(whole, again)
    if first.a is not None:
        assert torch.equal(first.a, second.a) and torch.equal(first.b, second.b)


@pytest.mark.parametrize("fmt", ["bf16", "nf4"])
def test_the_weight_is_no_further_off_than_at_the_zero_start(case, name, fmt):
    _, zero = case.start("zero", fmt)
    _, whole = case.start(name, fmt)
    if name in ADDS_NOTHING:
        assert torch.equal(whole, zero)
    else:
        assert case.error(whole) < case.error(zero)


@pytest.mark.parametrize("name", KEEPS_BASE)
def test_a_kept_base_is_asked_for_by_the_weight_itself(square, stored, name):
    functions = stored("nf4")
    initializer = INITIALIZERS[name]
    initializer.start(
        square.weight,
        functions.quantize,
        functions.dequantize,
        rank=4,
        scaling=1.0,
        moments=square.moments(initializer.moments),
    )
    assert len(functions.asked) == 1
    assert functions.asked[0] is square.weight


@pytest.mark.parametrize("name", [*LOFTQ, "qera_diag", "qera_exact", *TAKES_OUT])
def test_the_scaling_is_divided_out(square, name):
    _, whole = square.start(name, "nf4", scaling=1.0)
    _, other = square.start(name, "nf4", scaling=7.0)
    assert torch.allclose(other, whole, atol=1e-5)


@pytest.mark.parametrize("beyond", [0, 5])
def test_a_rank_as_large_as_the_smaller_side_or_larger(case, name, beyond):
    rank = min(case.weight.shape) + beyond
    start, whole = case.start(name, "nf4", rank=rank)
    if start.a is not None:
        assert len(start.a) == start.b.shape[1] == rank
        assert bool(whole.isfinite().all())
    if name in (*LOFTQ, "qera_diag", "qera_exact", *TAKES_OUT):  # nothing is beyond their reach then
        assert case.error(whole) < 1e-5 * float(case.weight.norm())


@pytest.mark.parametrize("name", TAKES_OUT)
def test_over_a_float_base_the_weight_is_whole(square, name):
    start, whole = square.start(name, "float32")
    assert torch.allclose(whole, square.weight, atol=1e-6)
    assert not torch.allclose(start.base.weight, square.weight, atol=1e-3)


@pytest.mark.parametrize("name", [*LOFTQ, "qera_diag", "qera_exact"])
def test_over_a_base_without_error_there_is_nothing_to_correct(square, name):
    start, whole = square.start(name, "float32")
    assert start.a is None and start.b is None
    assert torch.equal(whole, square.weight)


@pytest.mark.parametrize("fmt", ["nf4", "hqq2g64"])
def test_qera_exact_has_the_least_output_error_of_all(case, fmt):
    errors = {name: case.output_error(case.start(name, fmt)[1]) for name in NAMES}
    assert min(errors, key=errors.get) == "qera_exact"
    assert errors["qera_exact"] < 0.7 * errors["zero"]
    assert errors["qera_diag"] < errors["zero"]
