"""What is bfloat16's alone: its product keeps no converted copy."""

import torch

from collectors.quantizers import QUANTIZERS


def saved_by_autograd(module, x):
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        module(x)
    return kept


def test_no_float32_copy_is_saved_for_the_backward_pass(make_linear):
    source = make_linear(96, 64, bias=True)
    x = torch.randn(5, 64, requires_grad=True)
    kept = saved_by_autograd(QUANTIZERS["bf16"].quantize(source, torch.float32), x)

    assert [tensor.dtype for tensor in kept] == [torch.bfloat16]
    assert any(tensor.dtype == torch.float32 for tensor in saved_by_autograd(source, x))  # the check can fail


def test_the_output_has_the_input_s_type(make_linear):
    module = QUANTIZERS["bf16"].quantize(make_linear(96, 64), torch.float32)

    assert module.weight.dtype == torch.bfloat16
    assert module(torch.randn(2, 64)).dtype == torch.float32
