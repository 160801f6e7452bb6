"""What holds for every adapter: count, scaling, start, update, gradients, and a round trip through a file."""

import copy
import math

import pytest
import torch
from torch import nn

from collectors.adapters import ADAPTERS
from collectors.adapters.attach import lora_layers
from collectors.pruning.prune import LayerImportance, prune
from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import ADAPTERS as CHOICES

IDS = torch.tensor([[5, 9, 200, 31, 77, 4], [8, 8, 13, 250, 1, 60]])
PEFT_CLASS = {"int8": "bnb.Linear8bitLt", "nf4": "bnb.Linear4bit", "fp4": "bnb.Linear4bit", "hqq": "hqq.HqqLoraLinear"}


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


def update_of(layer, rows_in):
    """The matrix by which a layer's output differs from its base's, found by feeding it the identity."""
    eye = torch.eye(rows_in)
    with torch.no_grad():
        return (layer(eye) - layer.get_base_layer()(eye)).T


def expected_update(adapter, scaling, a, b, base):
    """The definition of each adapter's update of the weight."""
    product = scaling * b @ a
    if adapter == "qblora":
        rows, columns = 2 * b.shape[0], 2 * a.shape[1]
        pool = torch.zeros(columns // 2, columns)
        pool[torch.arange(columns // 2), torch.arange(0, columns, 2)] = 0.5
        pool[torch.arange(columns // 2), torch.arange(1, columns, 2)] = 0.5
        repeat = torch.kron(torch.eye(rows // 2), torch.ones(2, 1))
        return repeat @ product @ pool
    if adapter == "dora":
        magnitude = 1.25 * (base + product).norm(dim=1, keepdim=True)
        direction = (base + product) / (base + product).norm(dim=1, keepdim=True)
        return magnitude * direction - base
    return product


@pytest.fixture(params=ADAPTERS)
def adapter(request):
    return request.param


def test_every_named_adapter_is_here():
    assert list(ADAPTERS) == list(CHOICES)


def test_parameters_are_the_closed_form_in_every_format(shaped, adapter):
    ranks = shaped.ranks()
    layers = lora_layers(shaped.attached(adapter))
    assert list(layers) == [name for name, rank in ranks.items() if rank]
    for name, layer in layers.items():
        counted = sum(p.numel() for p in layer.parameters() if p.requires_grad)
        assert counted == CHOICES[adapter].parameters(*shaped.shapes[name], ranks[name]), name


@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_parameters_are_the_closed_form_after_pruning(make_model, adapter, rate):
    model = make_model()
    whole = Architecture.from_config(model.config.to_dict())
    importance = {index: LayerImportance(torch.rand(2), torch.rand(128)) for index in whole.prunable}
    left = prune(model, whole, rate, importance)
    assert left != whole
    names = {
        f"model.layers.{index}.{module.parent}.{module.name}": left.module_shapes(index)[module.name]
        for index in range(len(left.layers))
        for module in left.modules
    }
    made = ADAPTERS[adapter].attach(
        model, dict.fromkeys(names, 4), dict.fromkeys(names, 16.0), dropout=0.0, peft_start=True
    )
    count = sum(p.numel() for p in made.parameters() if p.requires_grad)
    assert count == sum(CHOICES[adapter].parameters(*shape, 4) for shape in names.values())


def test_every_format_gets_the_class_of_peft_that_knows_it(mixed, adapter):
    for name, layer in lora_layers(mixed.attached(adapter)).items():
        known = PEFT_CLASS.get(mixed.formats[name].removesuffix("dq"), PEFT_CLASS.get(mixed.formats[name][:3]))
        assert f"{type(layer).__module__}.{type(layer).__name__}" == f"peft.tuners.lora.{known or 'layer.Linear'}"


def test_only_adapters_are_trained_and_they_are_float32(mixed, adapter):
    trained = {n: p for n, p in mixed.attached(adapter).named_parameters() if p.requires_grad}
    assert all(".lora_" in name for name in trained)
    assert {p.dtype for p in trained.values()} == {torch.float32}
    each = 3 if adapter == "dora" else 2
    assert len(trained) == each * sum(rank > 0 for rank in mixed.ranks().values())


@pytest.mark.parametrize(("rank", "alpha"), [(4, 16.0), (9, 1.5)])
def test_scaling(mixed, adapter, rank, alpha):
    expected = alpha / math.sqrt(rank) if adapter == "rslora" else alpha / rank
    assert ADAPTERS[adapter].scaling(rank, alpha) == expected
    model = mixed.attach(adapter, dict.fromkeys(mixed.places, rank), alpha)
    assert {layer.scaling["default"] for layer in lora_layers(model).values()} == {expected}


@pytest.mark.parametrize("peft_start", [True, "gaussian"])
def test_the_zero_start_is_the_base(mixed, adapter, peft_start):
    model = mixed.attach(adapter, peft_start=peft_start)
    if adapter == "dora":
        assert torch.allclose(logits(model), logits(mixed.copy()), rtol=1e-5, atol=1e-5)
    else:
        assert torch.equal(logits(model), logits(mixed.copy()))
    assert min(float(layer.lora_A["default"].weight.detach().abs().max()) for layer in lora_layers(model).values()) > 0


def test_the_gaussian_start_has_its_deviation(mixed, adapter):
    model = mixed.attach(adapter, dict.fromkeys(mixed.places, 16), peft_start="gaussian")
    drawn = torch.cat([layer.lora_A["default"].weight.flatten() for layer in lora_layers(model).values()]).detach()
    assert float(drawn.std()) == pytest.approx(1 / 16, rel=0.02)


@pytest.mark.parametrize("adapter", ["lora", "rslora", "dora"])
def test_the_orthogonal_start_has_two_factors_and_no_product(mixed, adapter):
    model = mixed.attach(adapter, peft_start="orthogonal")
    for layer in lora_layers(model).values():
        a, b = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
        assert float((b @ a).abs().max()) < 1e-6
        assert float(a.abs().max()) > 0.01
        assert (float(b.abs().max()) > 0.01) == (len(a) > 1)
    assert torch.allclose(logits(model), logits(mixed.copy()), rtol=1e-4, atol=1e-4)


def test_the_update_is_the_adapters_definition_in_every_format(shaped, adapter, random_starts):
    model = shaped.attach(adapter)
    starts = random_starts(model)
    ADAPTERS[adapter].set_start(model, starts)
    for name, layer in lora_layers(model).items():
        if adapter == "dora":
            with torch.no_grad():
                layer.lora_magnitude_vector["default"].weight.mul_(1.25)
        base = shaped.base_weight(name, layer.get_base_layer())
        expected = expected_update(adapter, layer.scaling["default"], starts[name].a, starts[name].b, base)
        found = update_of(layer, shaped.shapes[name][1])
        # The base of an int8 module rounds its inputs, which the identity survives to a part in ten thousand.
        tolerance = 2e-3 if shaped.formats[name] == "int8" else 1e-4
        assert torch.allclose(found, expected, atol=tolerance * float(expected.abs().max())), name


def test_doras_magnitude_follows_the_start_so_that_training_starts_at_base_plus_product(shaped, random_starts):
    model = shaped.attach("dora")
    starts = random_starts(model)
    ADAPTERS["dora"].set_start(model, starts)
    for name, layer in lora_layers(model).items():
        expected = layer.scaling["default"] * starts[name].b @ starts[name].a
        assert torch.allclose(update_of(layer, shaped.shapes[name][1]), expected, atol=1e-4), name


def test_a_start_of_another_shape_is_refused_and_none_leaves_the_adapter(mixed, adapter, random_starts):
    model = mixed.attach(adapter)
    name, layer = next(iter(lora_layers(model).items()))
    starts = random_starts(model)
    before = copy.deepcopy(layer.state_dict())
    ADAPTERS[adapter].set_start(model, {name: type(starts[name])(nn.Identity(), None, None)})
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items() if "lora_A" in key)
    with pytest.raises(ValueError, match="shape"):
        ADAPTERS[adapter].set_start(model, {name: type(starts[name])(nn.Identity(), starts[name].a[:1, :2], None)})


def test_one_step_changes_every_adapter_and_nothing_else(mixed, adapter, random_starts):
    model = mixed.attach(adapter)
    ADAPTERS[adapter].set_start(model, random_starts(model))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.1)
    model(input_ids=IDS).logits.square().mean().backward()
    optimizer.step()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]) == (".lora_" not in name), name


def test_gradients_are_the_same_with_checkpointing(mixed, adapter, random_starts):
    def gradients(checkpointing):
        model = mixed.attach(adapter)
        ADAPTERS[adapter].set_start(model, random_starts(model))
        if checkpointing:
            base = model.get_base_model()
            enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
            enable({"use_reentrant": False})
        model.train()
        model(input_ids=IDS).logits.square().mean().backward()
        return {name: p.grad for name, p in model.named_parameters() if p.requires_grad}

    plain, checkpointed = gradients(False), gradients(True)
    for name, gradient in plain.items():
        assert float(gradient.abs().max()) > 0, name
        assert torch.allclose(gradient, checkpointed[name], rtol=1e-4, atol=1e-7), name


def test_a_file_brings_back_the_same_outputs(mixed, adapter, random_starts, tmp_path):
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file, save_file

    model = mixed.attach(adapter)
    ADAPTERS[adapter].set_start(model, random_starts(model))
    save_file({k: v.contiguous() for k, v in get_peft_model_state_dict(model).items()}, tmp_path / "a.safetensors")
    again = mixed.attach(adapter)
    assert not torch.equal(logits(again), logits(model))
    loaded = set_peft_model_state_dict(again, load_file(tmp_path / "a.safetensors"))
    assert not loaded.unexpected_keys
    assert torch.equal(logits(again), logits(model))


def test_dropout_is_in_every_adapter_and_only_while_training(mixed, adapter, random_starts):
    model = mixed.attach(adapter, dropout=0.25)
    ADAPTERS[adapter].set_start(model, random_starts(model))
    assert {layer.lora_dropout["default"].p for layer in lora_layers(model).values()} == {0.25}
    assert torch.equal(logits(model.eval()), logits(model.eval()))
    model.train()
    assert not torch.equal(logits(model), logits(model))


def test_the_same_seed_starts_the_same_adapters(mixed, adapter):
    def start(seed):
        torch.manual_seed(seed)
        return torch.cat([p.detach().flatten() for p in mixed.attach(adapter).parameters() if p.requires_grad])

    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))


def test_a_model_without_any_rank_is_refused(mixed, adapter):
    with pytest.raises(InvalidConfigurationError, match="every rank is 0"):
        mixed.attach(adapter, dict.fromkeys(mixed.places, 0))


def test_bases_shared_with_another_model_stay_whole(mixed, adapter, random_starts):
    """A frozen module may serve the next trial too, whatever adapter stood beside it."""
    shared = mixed.copy().eval()
    before = logits(shared)
    model = mixed.attach(adapter, model=shared)
    ADAPTERS[adapter].set_start(model, random_starts(model))
    model.train()
    model(input_ids=IDS).logits.square().mean().backward()
    for name, layer in lora_layers(model).items():
        parent, attribute = name.rsplit(".", 1)
        setattr(model.get_base_model().get_submodule(parent), attribute, layer.get_base_layer())
    base = model.get_base_model().eval()
    assert torch.equal(logits(base), before)
    del base.peft_config
    again = mixed.attach(adapter, model=base)
    assert torch.allclose(logits(again.eval()), before, rtol=1e-5, atol=1e-5)


def test_a_deep_copy_computes_the_same(mixed, adapter, random_starts):
    model = mixed.attach(adapter)
    ADAPTERS[adapter].set_start(model, random_starts(model))
    assert torch.equal(logits(copy.deepcopy(model)), logits(model))
