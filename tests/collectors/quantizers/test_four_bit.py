"""What is bitsandbytes' 4-bit module's alone: it would change its own storage on some processors."""

import pytest
import torch

from collectors.quantizers import QUANTIZERS


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
