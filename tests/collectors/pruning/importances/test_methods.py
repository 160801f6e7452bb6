"""Each method's scores against the same worked out another way."""

import copy

import pytest
import torch

from collectors.pruning.calibration_texts import CALIBRATION_SAMPLES, CALIBRATION_TOKENS
from collectors.pruning.importances import IMPORTANCES, layer_importances
from collectors.pruning.prune import decoder_layers, linear_modules
from perfmodel.model.architecture import Architecture

TEXTS = [[(7 * i + 11 * j) % 300 + 2 for j in range(5 + 3 * i)] for i in range(4)]


@pytest.fixture
def model(make_model):
    return make_model()


@pytest.fixture
def architecture(model):
    return Architecture.from_config(model.config.to_dict())


@pytest.fixture
def gradients(model, architecture):
    """The gradient of every text's own loss, by layer and module name, each from a model of its own."""
    twin = copy.deepcopy(model).requires_grad_(requires_grad=True)
    weights = {
        (index, name): getattr(*place).weight
        for index in (4, 5)
        for name, place in linear_modules(decoder_layers(twin)[index], architecture).items()
    }
    each = []
    for text in TEXTS:
        ids = torch.tensor([text])
        logits = twin(input_ids=ids, use_cache=False).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:])
        each.append(dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True)))
    return {key: (weight.detach(), torch.stack([one[key] for one in each])) for key, weight in weights.items()}


def first(w, g):
    return (w * g.mean(0)).abs()


def second(w, g):
    return w**2 * (g**2).mean(0) / 2


def mixed(w, g):
    return (w * g.mean(0) - w**2 * (g**2).mean(0) / 2).abs()


@pytest.mark.parametrize(("method", "formula"), [("taylor", first), ("taylor_second", second), ("taylor_mixed", mixed)])
def test_taylor_scores_are_their_formulas(method, formula, model, architecture, gradients):
    found = {
        (layer, name): scores.clone()
        for layer, name, scores in IMPORTANCES[method].scores(model, architecture, TEXTS, 0)
    }
    assert found.keys() == gradients.keys()
    for key, (w, g) in gradients.items():
        expected = formula(w, g)
        assert torch.allclose(found[key], expected, rtol=1e-3, atol=1e-6 * float(expected.max())), key


def test_the_three_taylor_scores_differ(gradients):
    w, g = gradients[4, "q_proj"]
    assert not torch.allclose(first(w, g), mixed(w, g), rtol=0.01)
    assert not torch.allclose(first(w, g), second(w, g), rtol=0.5)


def test_second_order_sees_texts_whose_gradients_cancel():
    """With one weight and two texts of gradients 1 and -1, the first order says nothing and the second says 1/2."""
    from collectors.pruning.importances.gradients import accumulate_with_squares, only_these_trained

    class OneWeight(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor([1.0]))

        def forward(self, input_ids, labels, use_cache):
            sign = 1.0 if int(input_ids[0, 0]) == 1 else -1.0
            return type("Output", (), {"loss": (self.weight * sign).sum()})

    model = OneWeight()
    weights = {(0, "w"): model.weight}
    with only_these_trained(model, weights):
        squares = accumulate_with_squares(model, weights, [[1, 1], [2, 2]])
        assert float(model.weight.grad) == 0.0
    assert float(squares[0, "w"]) == 1.0
    assert model.weight.grad is None


def test_taylor_reads_ten_texts_of_64_tokens(model, architecture):
    texts = [[(3 * i + 5 * j) % 300 + 2 for j in range(80)] for i in range(12)]
    cut = [text[:CALIBRATION_TOKENS] for text in texts[:CALIBRATION_SAMPLES]]
    assert (len(cut), len(cut[0])) == (10, 64)
    for method in ("taylor", "taylor_second", "activation_magnitude"):
        long, short = (layer_importances(IMPORTANCES[method], model, architecture, each, 0) for each in (texts, cut))
        for index in architecture.prunable:
            assert torch.equal(long[index].groups, short[index].groups)
            assert torch.equal(long[index].channels, short[index].channels)


def test_magnitude_is_the_absolute_weight(model, architecture):
    for layer, name, scores in IMPORTANCES["magnitude"].scores(model, architecture, TEXTS, 0):
        parent, attribute = linear_modules(decoder_layers(model)[layer], architecture)[name]
        assert torch.equal(scores, getattr(parent, attribute).weight.abs())


def test_activation_magnitude_is_the_weight_times_the_norm_of_its_input(model, architecture):
    seen = []
    linear = decoder_layers(model)[5].mlp.down_proj
    handle = linear.register_forward_pre_hook(lambda _, args: seen.append(args[0].flatten(0, -2)))
    with torch.no_grad():
        for text in TEXTS:
            model(input_ids=torch.tensor([text]), use_cache=False)
    handle.remove()
    inputs = torch.cat(seen)
    expected = linear.weight.abs() * inputs.norm(dim=0) / len(inputs) ** 0.5
    scores = {
        (layer, name): each
        for layer, name, each in IMPORTANCES["activation_magnitude"].scores(model, architecture, TEXTS, 0)
    }
    assert torch.allclose(scores[5, "down_proj"], expected, rtol=1e-4, atol=1e-7)


def test_random_draws_once_for_each_part(model, architecture):
    scores = {(layer, name): each for layer, name, each in IMPORTANCES["random"].scores(model, architecture, TEXTS, 3)}
    assert len(scores[4, "q_proj"].unique()) == len(scores[4, "o_proj"].unique()) == 2
    assert torch.equal(scores[4, "gate_proj"][:, 0], scores[4, "down_proj"][0])
    assert len(scores[4, "up_proj"].unique()) == 128
    importance = layer_importances(IMPORTANCES["random"], model, architecture, TEXTS, 3)[4]
    draws = importance.groups / architecture.group_parameters
    assert torch.allclose(draws, scores[4, "k_proj"][[0, 16], 0])


def test_random_ranks_groups_and_channels_alike(make_model):
    """Over many seeds a part's draw is uniform, so that no kind of part goes first in a global pruning."""
    model = make_model(layers=7)
    architecture = Architecture.from_config(model.config.to_dict())
    found = [layer_importances(IMPORTANCES["random"], model, architecture, TEXTS, seed)[4] for seed in range(300)]
    groups = torch.cat([each.groups for each in found]) / architecture.group_parameters
    channels = torch.cat([each.channels[:2] for each in found]) / architecture.channel_parameters
    for draws in (groups, channels):
        assert float(draws.mean()) == pytest.approx(0.5, abs=0.05)
        assert float(draws.std()) == pytest.approx(12**-0.5, abs=0.03)
