"""What the walk over a module's tensors finds."""

import torch
from torch import nn

from collectors.quantizers import QUANTIZERS, stored_bytes, stored_tensors


def test_a_shared_storage_is_counted_once():
    module = nn.Linear(8, 8, bias=False)
    module.alias = module.weight.data[2:]

    assert stored_bytes(module) == 256


def test_double_quantisation_s_scales_are_found_with_their_own(make_linear):
    module = QUANTIZERS["nf4dq"].quantize(make_linear(256, 128), torch.float32)
    # weight, levels, 8-bit scales, their mean, their levels and their scales
    assert sorted(tensor.nbytes for tensor in stored_tensors(module)) == [4, 8, 64, 512, 1024, 16384]


def test_training_steps_add_nothing(make_linear):
    for quantizer in QUANTIZERS.values():
        module = quantizer.quantize(make_linear(96, 128, bias=True), torch.float32)
        before = stored_bytes(module)
        for _ in range(2):
            module(torch.randn(3, 128, requires_grad=True)).sum().backward()

        assert stored_bytes(module) == before
