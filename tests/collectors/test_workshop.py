"""Models are built from shared parts, and the parts stay what they are."""

from dataclasses import replace

import pytest
import torch

from collectors.prune import decoder_layers, linear_modules
from collectors.workshop import Workshop
from perfmodel.errors import CorruptFileError, InvalidConfigurationError
from perfmodel.memory import adapter_parameters, state_bytes
from perfmodel.space import Configuration

MIXED = Configuration(0.5, (2, 3, 4, 8, 16, 4, 2, 16), (2, 4, 0, 8, 16, 4, 2, 0))


def base_module(model, layer, name):
    parent, attribute = linear_modules(decoder_layers(model.get_base_model())[layer])[name]
    module = getattr(parent, attribute)
    return module.get_base_layer() if hasattr(module, "get_base_layer") else module


@pytest.mark.parametrize(
    "configuration",
    [MIXED, *(Configuration.uniform(8, bits=bits, rank=4, pruning_rate=0.3) for bits in (16, 8, 4, 3, 2))],
    ids=lambda configuration: str(configuration.bits[0]),
)
def test_bytes_are_the_closed_form(workshop, configuration):
    built = workshop.build(configuration, seed=0)
    closed = state_bytes(workshop.architecture, configuration, device_class="cpu")
    rotary = sum(buffer.nbytes for name, buffer in built.model.named_buffers() if "inv_freq" in name)
    assert rotary < 200
    assert built.weight_bytes == closed.weights + rotary
    assert built.adapter_bytes == closed.adapters
    assert built.adapter_parameters == adapter_parameters(workshop.architecture, configuration)
    assert built.architecture == workshop.architecture.pruned(configuration.pruning_rate)


def test_weights_are_the_base_s_where_nothing_is_done(workshop, checkpoint):
    from safetensors.torch import load_file

    built = workshop.build(Configuration.uniform(8, bits=16, rank=2), seed=0)
    stored = load_file(checkpoint / "model.safetensors")
    for index in range(8):
        weight = base_module(built.model, index, "down_proj").weight
        assert torch.equal(weight, stored[f"model.layers.{index}.mlp.down_proj.weight"].to(torch.bfloat16))
    embedding = built.model.get_base_model().get_input_embeddings().weight
    assert torch.equal(embedding, stored["model.embed_tokens.weight"])
    assert embedding is built.model.get_base_model().get_output_embeddings().weight


def test_building_leaves_the_base_alone(make_setting):
    shop = Workshop(make_setting())
    before = {name: value.clone() for name, value in shop._base.state_dict().items()}
    ids = torch.tensor([[5, 9, 200]])
    built = shop.build(MIXED, seed=0)
    built.model(input_ids=ids).logits.sum().backward()
    assert {name: value.shape for name, value in shop._base.state_dict().items()} == {
        name: value.shape for name, value in before.items()
    }
    assert all(torch.equal(value, before[name]) for name, value in shop._base.state_dict().items())


def test_a_quantised_module_is_made_once(workshop):
    first, second = workshop.build(MIXED, seed=0), workshop.build(replace(MIXED, ranks=(4,) * 8), seed=1)
    for layer, bits in enumerate(MIXED.bits):
        same = base_module(first.model, layer, "up_proj") is base_module(second.model, layer, "up_proj")
        assert same == (bits < 16)
    other = workshop.build(replace(MIXED, pruning_rate=0.3), seed=0)
    assert base_module(other.model, 4, "up_proj").weight.shape != base_module(first.model, 4, "up_proj").weight.shape
    assert base_module(other.model, 5, "up_proj") is not base_module(first.model, 5, "up_proj")


def test_a_layer_has_its_own_bits(workshop):
    built = workshop.build(MIXED, seed=0)
    kinds = [type(base_module(built.model, layer, "q_proj")).__name__ for layer in range(8)]
    names = {2: "HQQLinear", 3: "HQQLinear", 4: "Linear4bit", 8: "Linear8bitLt", 16: "Linear16"}
    assert kinds == [names[bits] for bits in MIXED.bits]


def test_pruning_takes_what_matters_least_on_the_calibration_texts(workshop):
    assert set(workshop.importance) == {4, 5}
    layer = decoder_layers(workshop._base)[4]
    keep = (
        workshop.importance[4].channels.topk(workshop.architecture.pruned(0.3).layers[4].channels).indices.sort().values
    )
    built = workshop.build(Configuration.uniform(8, bits=16, rank=2, pruning_rate=0.3), seed=0)
    assert torch.equal(base_module(built.model, 4, "up_proj").weight, layer.mlp.up_proj.weight[keep].to(torch.bfloat16))


@pytest.mark.parametrize("field", ["model_sha256", "task_sha256"])
def test_another_checksum_is_refused(make_setting, field):
    with pytest.raises(CorruptFileError, match=f"^{field[:5].rstrip('_')}.* has sha256 .*0000; make the plan again"):
        Workshop(replace(make_setting(), **{field: "0000"}))


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        (Configuration.uniform(8, bits=16, rank=33), "rank 33 is larger than the layer"),
        (Configuration.uniform(7, bits=16, rank=2), "bits has 7 entries"),
        (Configuration.uniform(8, bits=5, rank=2), "bits is"),
        (Configuration.uniform(8, bits=4, rank=0), "ranks is"),
        (Configuration.uniform(8, bits=4, rank=2, pruning_rate=1.0), "pruning_rates is"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(workshop, configuration, text):
    with pytest.raises(InvalidConfigurationError, match=text):
        workshop.build(configuration, seed=0)


def test_held_out_examples_are_as_many_as_asked(workshop):
    assert len(workshop.held_out) == 8
    assert len(workshop.train) > 50
