"""KL and change of the loss: by brute force, zero where nothing changes, and without running what cannot change."""

import copy

import pytest
import torch
from torch.nn import functional as F

from collectors.quantizers import QUANTIZERS, linear_of
from collectors.sensitivities.output_change import OutputChange
from collectors.sensitivities.units import linears_of, units_of
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import DEFAULT_METHODS

CPU = torch.device("cpu")


def change_of(model, architecture, batches, library):
    return OutputChange(model, architecture, batches, library, DEFAULT_METHODS, device=CPU, dtype=torch.float32)


def with_stored(model, architecture, unit, name):
    """A copy whose weights are bfloat16's, but for one unit's, which are what another format computes with."""
    changed = copy.deepcopy(model)
    for key, linear in linears_of(changed, architecture).items():
        quantizer = QUANTIZERS[name if key in unit else "bf16"]
        linear.weight.data = quantizer.dequantize(quantizer.quantize(linear, torch.float32))
    return changed


@torch.no_grad()
def log_probabilities(model, examples):
    """Of the whole model's own forward pass, an example at a time."""
    found = []
    for example in examples:
        logits = model(input_ids=torch.tensor([example.prompt + example.answer])).logits[0]
        found.append(F.log_softmax(logits[len(example.prompt) - 1 : -1].double(), -1))
    return torch.cat(found)


@pytest.mark.parametrize(("width", "name"), [(2, "hqq2g64"), (4, "nf4")])
@pytest.mark.parametrize("kind", ["layer", "module"])
def test_one_unit_by_brute_force(model, architecture, library, batches, examples, width, name, kind):
    unit = units_of(architecture, kind)[1 if kind == "layer" else -2]
    before = log_probabilities(with_stored(model, architecture, (), name), examples)
    after = log_probabilities(with_stored(model, architecture, unit, name), examples)
    targets = torch.tensor([token for example in examples for token in example.answer])

    divergence, change = change_of(model, architecture, batches, library).measure(unit, width)

    assert divergence == pytest.approx(float((before.exp() * (before - after)).sum(1).mean()), rel=1e-4)
    assert change == pytest.approx(float(F.nll_loss(after, targets) - F.nll_loss(before, targets)), rel=1e-3, abs=1e-6)
    assert divergence > 1e-4


def test_sixteen_bits_change_nothing(model, architecture, library, batches):
    change = change_of(model, architecture, batches, library)

    assert [change.measure(unit, 16) for unit in units_of(architecture, "layer")] == [(0.0, 0.0)] * 3


def test_a_unit_leaves_no_trace_on_the_next(model, architecture, library, batches):
    first, second, third = units_of(architecture, "layer")
    change = change_of(model, architecture, batches, library)
    alone = change.measure(second, 2)
    change.measure(first, 2)
    change.measure(third, 3)

    assert change.measure(second, 2) == alone


def test_fewer_bits_change_more(make_model, library, batches):
    model = make_model(layers=3)
    architecture = Architecture.from_config(model.config.to_dict())
    change = change_of(model, architecture, batches, library)
    for unit in units_of(architecture, "layer"):
        two, three, four, eight = (change.measure(unit, width)[0] for width in (2, 3, 4, 8))
        assert two > 2 * three > 4 * four > 8 * eight > 0


class NoisyLibrary:
    """Stores a weight as itself and a fixed error times a factor."""

    def __init__(self, factor):
        self.factor = factor

    def get(self, name, linear, quantizer):
        if quantizer.format.bits == 16:
            return linear_of(linear.weight.detach())
        generator = torch.Generator().manual_seed(sum(map(ord, name)))
        error = torch.randn(linear.weight.shape, generator=generator) * 0.003
        return linear_of(linear.weight.detach() + self.factor * error)


def test_twice_the_error_is_about_four_times_the_divergence(make_model, batches):
    architecture = Architecture.from_config(make_model(layers=3).config.to_dict())
    once, twice = (change_of(make_model(layers=3), architecture, batches, NoisyLibrary(each)) for each in (1, 2))
    for unit in units_of(architecture, "layer"):
        assert twice.measure(unit, 2)[0] == pytest.approx(4 * once.measure(unit, 2)[0], rel=0.25)


def test_layers_before_the_unit_are_not_run(model, architecture, library, batches):
    change = change_of(model, architecture, batches, library)
    ran = []
    for (index, _), (parent, attribute) in change._slots.items():
        getattr(parent, attribute).register_forward_hook(lambda *_, index=index: ran.append(index))
    change.measure(units_of(architecture, "layer")[2], 16)
    assert ran == []  # the third layer's own modules were others for a while
    change.measure(units_of(architecture, "layer")[1], 16)
    assert set(ran) == {2}
    assert len(ran) == len(architecture.modules) * len(batches)
