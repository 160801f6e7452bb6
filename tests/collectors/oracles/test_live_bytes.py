"""Live bytes: every storage once, from its birth to its end, on any device."""

import pytest
import torch
from oracles.live_bytes import LiveBytes

KIB = 1024


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_storages_count_once_and_until_they_end(device):
    with LiveBytes() as counter:
        kept = torch.empty(KIB, dtype=torch.uint8, device=device)
        view = kept.view(2, 512)[0]
        assert counter.live == KIB
        passing = torch.empty(4 * KIB, dtype=torch.uint8, device=device)
        assert counter.live == 5 * KIB
        del passing
        assert counter.live == KIB
        del kept
        assert counter.live == KIB
        assert view.numel() == 512
    assert counter.peak == 5 * KIB


def test_tensors_from_before_count_when_given_and_never_twice():
    before = torch.empty(KIB, dtype=torch.uint8, device="meta")
    counter = LiveBytes().count([before, before[:10]])
    with counter:
        before.view(2, 512)
    assert counter.peak == KIB


def test_what_autograd_keeps_lives_until_the_backward_pass():
    weight = torch.ones(256, requires_grad=True)
    with LiveBytes() as counter:
        loss = (weight.exp() * 2).sum()
        held = counter.live
        loss.backward()
    assert held >= KIB
    assert counter.peak >= 3 * KIB


def test_a_workspace_raises_the_peak_and_not_what_lives():
    with LiveBytes(workspaces={"aten.neg.default": lambda args: 10 * args[0].numel()}) as counter:
        result = torch.zeros(100, dtype=torch.uint8).neg()
        assert counter.live == 200 - 100
    assert counter.peak == 200 + 1000
    assert counter.peak_operation == "aten.neg.default"
    assert result.numel() == 100
