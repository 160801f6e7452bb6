"""What is bitsandbytes' 4-bit module's alone: it would change its own storage on some processors."""

import bitsandbytes as bnb
import pytest
import torch

from collectors.quantizers import QUANTIZERS, linear_of


@pytest.mark.parametrize("name", ["nf4", "nf4dq", "fp4"])
def test_an_evaluation_leaves_the_storage_as_it_is_on_avx512_bf16(name, make_linear, monkeypatch):
    import bitsandbytes as bnb

    monkeypatch.setattr(bnb.nn.modules, "has_avx512bf16", lambda: True)
    assert bnb.nn.Linear4bit(64, 64).support_avx512bf16_for_cpu  # the library would use it
    module = QUANTIZERS[name].quantize(make_linear(96, 128), torch.float32).eval()
    before = {key: tensor.clone() for key, tensor in QUANTIZERS[name].pack(module).items()}
    with torch.no_grad():
        module(torch.randn(4, 128))

    after = QUANTIZERS[name].pack(module)
    assert list(after) == list(before)
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())


@pytest.mark.parametrize("name", ["nf4", "fp4", "nf4dq"])
@pytest.mark.parametrize("shape", [(64, 128), (576, 1328), (64, 66), (3, 10)])
def test_blocks_that_run_on_from_row_to_row_are_read_as_they_were_written(name, shape):
    """Level times scale by hand: on processors with AVX512 the library's own kernel begins each row with a new block."""
    weight = 0.05 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    module = QUANTIZERS[name].quantize(linear_of(weight, None), torch.float32)
    state, values = module.weight.quant_state, module.weight.data.flatten()
    scales = state.absmax
    if state.nested:
        scales = bnb.functional.dequantize_blockwise(scales, state.state2) + state.offset
    levels = state.code[torch.stack([values >> 4, values & 15], 1).flatten().long()][: weight.numel()]
    by_hand = (levels * scales.repeat_interleave(64)[: weight.numel()]).reshape(shape)
    assert torch.equal(QUANTIZERS[name].dequantize(module), by_hand)

    x = torch.randn((2, 3, shape[1]), requires_grad=True)
    product = module(x)
    product.sum().backward()
    torch.testing.assert_close(product, x @ by_hand.T)
    torch.testing.assert_close(x.grad, by_hand.sum(0).expand_as(x))
