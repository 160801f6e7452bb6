"""Errors, gradients, information and pruned mass against the definitions, written out."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from collectors.pruning.importances import LayerImportance
from collectors.pruning.input_moments import input_moments
from collectors.pruning.prune import decoder_layers
from collectors.quantizers import QUANTIZERS
from collectors.sensitivities.gradient_norms import gradient_norms
from collectors.sensitivities.information import BINS, information, mutual_information
from collectors.sensitivities.pruned_mass import pruned_mass
from collectors.sensitivities.stored_errors import stored_errors
from collectors.sensitivities.units import linears_of, units_of
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import DEFAULT_METHODS


def test_errors_by_hand(model, architecture, library, examples):
    linears = linears_of(model, architecture)
    moments = input_moments(model, architecture, [each.prompt + each.answer for each in examples], "diagonal")
    unit = units_of(architecture, "layer")[1]
    lost, whole = np.zeros(2), np.zeros(2)
    for key in unit:
        weight, moment = linears[key].weight.detach().double().numpy(), moments[key].double().numpy()
        stored = QUANTIZERS["hqq3g64"].quantize(linears[key], torch.float32)
        error = weight - QUANTIZERS["hqq3g64"].dequantize(stored).double().numpy()
        lost += [(error**2).sum(), (error**2 * moment).sum()]
        whole += [(weight**2).sum(), (weight**2 * moment).sum()]

    found = stored_errors(linears, unit, 3, moments, library, DEFAULT_METHODS)

    assert found == pytest.approx(tuple(lost / whole), rel=1e-5)
    assert found[0] != pytest.approx(found[1], rel=1e-3)


def test_inputs_of_one_size_make_both_errors_equal(model, architecture, library):
    linears = linears_of(model, architecture)
    even = {key: torch.full((linear.in_features,), 3.0) for key, linear in linears.items()}
    for unit in units_of(architecture, "module")[:4]:
        weight_error, output_error = stored_errors(linears, unit, 2, even, library, DEFAULT_METHODS)
        assert output_error == pytest.approx(weight_error, rel=1e-9)


@pytest.mark.parametrize("kind", ["layer", "module"])
def test_gradient_norms_against_autograd(model, architecture, examples, batches, kind):
    twin = copy.deepcopy(model).requires_grad_(requires_grad=True)
    losses = []
    for example in examples:
        logits = twin(input_ids=torch.tensor([example.prompt + example.answer])).logits[0]
        answer = torch.tensor(example.answer)
        losses.append(F.cross_entropy(logits[len(example.prompt) - 1 : -1], answer, reduction="sum"))
    (sum(losses) / sum(len(example.answer) for example in examples)).backward()
    units = units_of(architecture, kind)
    gradients = {key: linear.weight.grad for key, linear in linears_of(twin, architecture).items()}
    expected = [torch.cat([gradients[key].flatten() for key in unit]).norm().item() for unit in units]
    model.requires_grad_(requires_grad=False)

    found = gradient_norms(model, linears_of(model, architecture), units, batches)

    assert found == pytest.approx(expected, rel=1e-4)
    assert min(found) > 1e-4
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in model.parameters())


def test_information_of_equal_and_of_independent_values():
    steps = np.arange(BINS, dtype=float)
    first, second = (grid.ravel() for grid in np.meshgrid(steps, steps))

    assert mutual_information(steps, steps) == pytest.approx(math.log(BINS))
    assert mutual_information(steps, -7 * steps + 2) == pytest.approx(math.log(BINS))
    assert mutual_information(first, second) == pytest.approx(0.0, abs=1e-12)
    assert mutual_information(steps, steps // 8) == pytest.approx(math.log(2))
    assert mutual_information(steps, np.zeros(BINS)) == pytest.approx(0.0, abs=1e-12)


def test_information_pairs_a_layer_with_the_prediction_token_by_token(model, examples, batches):
    pooled, answers = [[] for _ in decoder_layers(model)], []
    for example in examples:
        for taken in range(len(example.answer)):
            with torch.no_grad():
                ids = torch.tensor([example.prompt + example.answer[:taken]])
                found = model(input_ids=ids, output_hidden_states=True)
            # The last of the hidden states has been through the final norm.
            for values, state in zip(pooled, found.hidden_states[1:-1], strict=False):
                values.append(state.mean().item())
            answers.append(found.logits[0, -1].argmax().item())
    labels = np.array([sorted(set(answers)).index(answer) for answer in answers])
    expected = [mutual_information(np.array(values), labels) for values in pooled[:-1]]

    assert len(set(answers)) > BINS  # so that some labels share a bin
    assert information(model, batches)[:-1] == pytest.approx(expected, rel=1e-6)


def test_equal_importance_goes_with_the_parameters(make_model):
    architecture = Architecture.from_config(make_model(layers=8).config.to_dict())
    of_each = {
        index: LayerImportance(
            torch.full((2,), float(architecture.group_parameters)),
            torch.full((128,), float(architecture.channel_parameters)),
        )
        for index in architecture.prunable
    }
    rates = (0.0, 0.2, 0.5)
    whole = sum(architecture.layer_parameters(index) for index in architecture.prunable)
    left = [sum(architecture.pruned(rate).layer_parameters(i) for i in architecture.prunable) for rate in rates]

    found = pruned_mass(architecture, of_each, of_each, rates, "per_layer")

    assert found == pytest.approx([1 - each / whole for each in left])
    assert found[2] > 0.4


@pytest.mark.parametrize("scope", ["per_layer", "global"])
def test_the_least_important_goes_first(make_model, scope):
    architecture = Architecture.from_config(make_model(layers=8).config.to_dict())
    torch.manual_seed(0)
    taylor = {i: LayerImportance(torch.rand(2) ** 4, torch.rand(128) ** 4) for i in architecture.prunable}
    opposite = {i: LayerImportance(-scores.groups, -scores.channels) for i, scores in taylor.items()}
    least = pruned_mass(architecture, taylor, taylor, (0.0, 0.1, 0.3), scope)
    most = pruned_mass(architecture, opposite, taylor, (0.0, 0.1, 0.3), scope)

    assert least[0] == most[0] == 0.0
    assert 0 < least[1] < least[2] < 0.3
    assert (most[1:] > 2 * least[1:]).all()
