"""Each initialiser against the formula of its paper, and against PEFT's own where it has one."""

import pytest
import torch
from torch import nn

from collectors.initializers import INITIALIZERS
from collectors.initializers.low_rank import factors, leading_directions


def best_rank(matrix, rank):
    u, s, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ v[:rank]


def product(start, scaling=2.0):
    return scaling * (start.b @ start.a).double()


def is_balanced(start):
    return torch.allclose(start.a.norm(dim=1), start.b.norm(dim=0), rtol=1e-4)


@pytest.mark.parametrize("rank", [1, 64])
def test_the_projection_is_the_best_part_of_a_rank(case, rank):
    exact = case.weight.double()
    a, b = factors(leading_directions(exact, rank), exact, rank, 0.5)
    assert torch.allclose(0.5 * (b @ a).double(), best_rank(exact, rank), atol=1e-6)
    assert torch.allclose(a.norm(dim=1), b.norm(dim=0), rtol=1e-5)


def test_loftq_1_is_the_svd_of_what_quantisation_lost(case):
    start, _ = case.start("loftq1", "hqq2g64")
    _, zero = case.start("zero", "hqq2g64")
    assert torch.allclose(product(start), best_rank(case.weight - zero, 8), atol=1e-6)
    assert is_balanced(start)


@pytest.mark.parametrize("fmt", ["int8", "nf4", "hqq2g64"])
def test_more_rounds_of_loftq_never_leave_more(case, fmt):
    errors = [case.error(case.start(f"loftq{rounds}", fmt)[1]) for rounds in range(1, 6)]
    assert errors == sorted(errors, reverse=True)


def test_more_rounds_of_loftq_leave_less_at_two_bits(case):
    assert case.error(case.start("loftq5", "hqq2g64")[1]) < 0.98 * case.error(case.start("loftq1", "hqq2g64")[1])


def test_loftq_quantises_once_a_round_and_the_rest_of_the_round_before(case, stored):
    functions = stored("nf4")
    INITIALIZERS["loftq3"].start(
        case.weight, functions.quantize, functions.dequantize, rank=4, scaling=1.0, moments=None
    )
    assert len(functions.asked) == 3
    first = case.weight - functions.dequantize(functions.quantize(case.weight))
    assert torch.allclose(case.weight - functions.asked[1], best_rank(first, 4).float(), atol=1e-6)


def root(moments):
    values, vectors = torch.linalg.eigh(moments.double())
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_qera_is_the_closed_form(case, kind):
    start, _ = case.start("qera_diag" if kind == "diagonal" else "qera_exact", "hqq3g64")
    _, zero = case.start("zero", "hqq3g64")
    moments = case.moments(kind)
    scale = root(torch.diag(moments) if kind == "diagonal" else moments)
    expected = best_rank((case.weight - zero).double() @ scale, 8) @ torch.linalg.inv(scale)
    assert torch.allclose(product(start), expected, atol=1e-5)
    assert is_balanced(start)


@pytest.mark.parametrize("name", ["qera_diag", "qera_exact", "corda", "eva"])
@pytest.mark.parametrize("tokens", [1, 40])
def test_moments_of_few_tokens_are_singular_and_do_no_harm(case, name, tokens):
    few = type(case)(case.weight, case.inputs[:tokens])
    start, whole = few.start(name, "hqq3g64")
    _, zero = few.start("zero", "hqq3g64")
    assert few.error(whole) <= few.error(zero)
    assert float(start.b.abs().max()) < 10 * float(case.weight.norm())
    if name == "qera_exact":
        # Eight directions hold all that so few outputs can lose.
        assert few.output_error(whole) < (1e-4 if tokens <= 8 else 0.6) * few.output_error(zero)


@pytest.mark.parametrize("name", ["qera_diag", "qera_exact", "corda", "eva"])
def test_moments_of_inputs_that_are_all_zero_do_no_harm(case, name):
    silent = type(case)(case.weight, torch.zeros_like(case.inputs))
    start, whole = silent.start(name, "nf4")
    assert bool(start.a.isfinite().all()) and bool(start.b.isfinite().all())
    assert silent.error(whole) <= silent.error(silent.start("zero", "nf4")[1])


def test_pissa_holds_the_largest_singular_directions(case):
    start, _ = case.start("pissa", "float32")
    assert torch.allclose(product(start), best_rank(case.weight, 8), atol=1e-6)
    assert is_balanced(start)


def test_olora_holds_the_first_part_of_the_qr_decomposition(case):
    start, _ = case.start("olora", "float32")
    q, r = torch.linalg.qr(case.weight.double())
    assert torch.allclose(product(start), q[:, :8] @ r[:8], atol=1e-6)
    assert torch.allclose(start.b.T @ start.b, torch.eye(8), atol=1e-6)


def test_corda_is_the_leading_part_of_weight_times_covariance(case):
    start, _ = case.start("corda", "float32")
    covariance = case.moments("full").double()
    expected = best_rank(case.weight.double() @ covariance, 8) @ torch.linalg.inv(covariance)
    assert torch.allclose(product(start), expected, atol=1e-4)
    assert is_balanced(start)


def peft_layer(weight, kind):
    """PEFT's own start of a rank-8 adapter with scaling 2."""
    from peft import LoraConfig, inject_adapter_in_model

    model = nn.Sequential(nn.Linear(weight.shape[1], weight.shape[0], bias=False))
    model[0].weight.data = weight.clone()
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["0"], init_lora_weights=kind)
    return inject_adapter_in_model(config, model)[0]


def test_pissa_is_pefts(case):
    layer = peft_layer(case.weight, "pissa")
    start, _ = case.start("pissa", "float32")
    assert torch.allclose(layer.base_layer.weight, start.base.weight, atol=1e-5)
    assert torch.allclose(layer.lora_A["default"].weight.norm(dim=1), start.a.norm(dim=1), rtol=1e-4)


def test_olora_is_pefts_with_its_scaling_divided_out(case):
    layer = peft_layer(case.weight, "olora")
    start, _ = case.start("olora", "float32")
    theirs = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    assert torch.allclose(theirs, product(start).float(), atol=1e-5)
    assert torch.allclose(layer.base_layer.weight, case.weight - 2 * theirs, atol=1e-5)


def test_evas_rows_hold_the_most_of_the_inputs(case):
    start, _ = case.start("eva", "nf4")
    assert torch.allclose(start.a @ start.a.T, torch.eye(8), atol=1e-5)
    assert torch.equal(start.b, torch.zeros(len(case.weight), 8))
    kept = float((case.inputs @ start.a.T).square().sum())
    singular = torch.linalg.svdvals(case.inputs.double())
    assert kept == pytest.approx(float(singular[:8].square().sum()), rel=1e-5)


def test_evas_subspace_is_pefts_on_centred_inputs(case):
    """PEFT centres inputs; on inputs that come with their negatives that changes nothing."""
    from peft import LoraConfig
    from peft.tuners.lora.config import EvaConfig
    from peft.tuners.lora.eva import get_eva_state_dict

    columns = case.weight.shape[1]
    inputs = torch.cat([case.inputs[:500], -case.inputs[:500]])
    model = nn.Sequential(nn.Linear(columns, len(case.weight), bias=False))
    config = LoraConfig(
        r=4,
        target_modules=["0"],
        init_lora_weights="eva",
        eva_config=EvaConfig(rho=1.0, use_label_mask=False),
    )
    batch = inputs[torch.randperm(1000, generator=torch.Generator().manual_seed(0))]
    found = get_eva_state_dict(
        model,
        [batch, batch],
        config,
        forward_fn=lambda module, x: module(x),
        prepare_model_inputs_fn=None,
        prepare_layer_inputs_fn=None,
        show_progress_bar=False,
    )
    theirs = next(iter(found.values()))
    start, _ = type(case)(case.weight, inputs).start("eva", "float32", rank=4)
    cosines = torch.linalg.svdvals(theirs.double() @ start.a.double().T)
    assert float(cosines.min()) > 0.99  # PEFT draws at random in its decomposition
