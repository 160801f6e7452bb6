"""Models are built from shared parts, and the parts stay what they are."""

from dataclasses import replace

import pytest
import torch

from collectors.pruning.importances.cached import importance_of
from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.quantizers import QUANTIZERS, AbstractQuantizer
from collectors.trial import model_builder as workshop_module
from collectors.trial.model_builder import ModelBuilder
from datasets_cache import resolve
from perfmodel.errors import CorruptFileError, InvalidConfigurationError
from perfmodel.memory.state_bytes import adapter_parameters, state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import INITIALIZERS, PRUNING_METHODS, PRUNING_SCOPES, Methods
from perfmodel.space.space import Configuration

MIXED = Configuration(0.5, (2, 3, 4, 8, 16, 4, 2, 16), (2, 4, 0, 8, 16, 4, 2, 0))


def base_module(model, layer, name):
    found = decoder_layers(model.get_base_model())[layer]
    module = getattr(found.mlp if hasattr(found.mlp, name) else found.self_attn, name)
    return module.get_base_layer() if hasattr(module, "get_base_layer") else module


@pytest.mark.parametrize(
    "configuration",
    [MIXED, *(Configuration.uniform(8, bits=bits, rank=4, pruning_rate=0.3) for bits in (16, 8, 4, 3, 2))],
    ids=lambda configuration: str(configuration.bits[0]),
)
def test_bytes_are_the_closed_form(builder, configuration):
    built = builder.build(configuration, seed=0)
    closed = state_bytes(builder.architecture, configuration, device_class="cpu")
    rotary = sum(buffer.nbytes for name, buffer in built.model.named_buffers() if "inv_freq" in name)
    assert rotary < 200
    assert built.weight_bytes == closed.weights + rotary
    assert built.adapter_bytes == closed.adapters
    assert built.adapter_parameters == adapter_parameters(builder.architecture, configuration)
    assert built.architecture == builder.architecture.pruned(configuration.pruning_rate)


def test_weights_are_the_base_s_where_nothing_is_done(builder, checkpoint):
    from safetensors.torch import load_file

    built = builder.build(Configuration.uniform(8, bits=16, rank=2), seed=0)
    stored = load_file(checkpoint / "model.safetensors")
    for index in range(8):
        weight = base_module(built.model, index, "down_proj").weight
        assert torch.equal(weight, stored[f"model.layers.{index}.mlp.down_proj.weight"].to(torch.bfloat16))
    embedding = built.model.get_base_model().get_input_embeddings().weight
    assert torch.equal(embedding, stored["model.embed_tokens.weight"])
    assert embedding is built.model.get_base_model().get_output_embeddings().weight


def test_building_leaves_the_base_alone(make_setting):
    shop = ModelBuilder(make_setting())
    before = {name: value.clone() for name, value in shop._model.state_dict().items()}
    ids = torch.tensor([[5, 9, 200]])
    built = shop.build(MIXED, seed=0)
    built.model(input_ids=ids).logits.sum().backward()
    assert {name: value.shape for name, value in shop._model.state_dict().items()} == {
        name: value.shape for name, value in before.items()
    }
    assert all(torch.equal(value, before[name]) for name, value in shop._model.state_dict().items())


@pytest.fixture
def made(monkeypatch):
    """Names of the formats that were quantised to, in order."""
    names, quantize = [], AbstractQuantizer.quantize

    def noted(self, *args):
        names.append(self.format.name)
        return quantize(self, *args)

    monkeypatch.setattr(AbstractQuantizer, "quantize", noted)
    return names


def test_a_quantised_module_is_made_once(make_setting, made):
    """At a rate of 0.5 layers 4 and 5 are pruned; all others are those of the unpruned model."""
    shop = ModelBuilder(make_setting())
    shop.build(MIXED, seed=0)
    made.clear()
    shop.build(replace(MIXED, ranks=(4,) * 8), seed=1)
    assert made
    assert set(made) == {"bf16"}


def test_unpruned_modules_come_from_the_library_and_pruned_ones_are_made(make_setting, made):
    configuration = Configuration.uniform(8, bits=3, rank=2)
    expected = ModelBuilder(make_setting()).build(configuration, seed=0)
    shop = ModelBuilder(make_setting())  # as in another process
    shop._fair.add("hqq3g64")
    made.clear()
    again = shop.build(configuration, seed=0)
    assert made == []
    ids = torch.tensor([[5, 9, 200]])
    assert torch.equal(again.model(input_ids=ids).logits, expected.model(input_ids=ids).logits)
    shop.build(replace(configuration, pruning_rate=0.3), seed=0)
    assert set(made) == {"hqq3g64"}


def test_a_format_that_the_base_has_been_through_is_refused(make_setting, make_model, tokenizer, tmp_path):
    model = make_model()
    quantizer = QUANTIZERS["hqq4g32"]
    for layer in decoder_layers(model):
        for parent, name in linear_modules(layer, Architecture.from_config(model.config.to_dict())).values():
            linear = getattr(parent, name)
            linear.weight.data = quantizer.dequantize(quantizer.quantize(linear, torch.float32))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    setting = replace(make_setting(), model=str(tmp_path), model_sha256=resolve(str(tmp_path)).sha256)
    methods = Methods().with_format("hqq4g32")
    shop = ModelBuilder(setting)
    shop.build(Configuration.uniform(8, bits=4, rank=2), seed=0)
    with pytest.raises(InvalidConfigurationError, match="hqq4g32 leaves a relative error"):
        shop.build(Configuration.uniform(8, bits=4, rank=2, methods=methods), seed=0)


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_every_initialiser_builds_on_mixed_bits_and_pruned_shapes(builder, initializer):
    built = builder.build(replace(MIXED, methods=Methods(initializer=initializer)), seed=0)
    closed = state_bytes(builder.architecture, MIXED, device_class="cpu")
    assert built.adapter_bytes == closed.adapters
    ids = torch.tensor([[5, 9, 200]])
    assert torch.isfinite(built.model(input_ids=ids).logits).all()


@pytest.mark.parametrize("method", PRUNING_METHODS)
def test_every_importance_and_scope_prunes_as_much(builder, method):
    for scope in PRUNING_SCOPES:
        configuration = replace(MIXED, methods=Methods(pruning_method=method, pruning_scope=scope))
        shapes = builder.build(configuration, seed=0).architecture
        left = sum(shapes.layer_parameters(index) for index in shapes.prunable)
        whole = sum(builder.architecture.layer_parameters(index) for index in shapes.prunable)
        assert left / whole == pytest.approx(0.5, abs=0.1)


def test_a_random_pruning_is_the_seed_s(builder):
    configuration = replace(MIXED, methods=Methods(pruning_method="random"))
    weights = [base_module(builder.build(configuration, seed=seed).model, 4, "up_proj").weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_bits_and_ranks_by_module(builder):
    bits, ranks = (16, 8, 4, 3, 2, 4, 8) * 8, (0, 2, 4, 0, 2, 8, 2) * 8
    configuration = Configuration(0.5, bits, ranks)
    built = builder.build(configuration, seed=0)
    closed = state_bytes(builder.architecture, configuration, device_class="cpu")
    rotary = sum(buffer.nbytes for name, buffer in built.model.named_buffers() if "inv_freq" in name)
    assert built.weight_bytes == closed.weights + rotary
    assert built.adapter_parameters == adapter_parameters(builder.architecture, configuration)
    assert type(base_module(built.model, 4, "k_proj")).__name__ == "Linear8bitLt"
    assert type(base_module(built.model, 4, "gate_proj")).__name__ == "HQQLinear"


def test_a_layer_has_its_own_bits(builder):
    built = builder.build(MIXED, seed=0)
    kinds = [type(base_module(built.model, layer, "q_proj")).__name__ for layer in range(8)]
    names = {2: "HQQLinear", 3: "HQQLinear", 4: "Linear4bit", 8: "Linear8bitLt", 16: "Linear16"}
    assert kinds == [names[bits] for bits in MIXED.bits]


def test_pruning_takes_what_matters_least_on_the_calibration_texts(builder):
    importance = importance_of(
        builder._model, builder.architecture, builder._calibration, "taylor", model_sha256="test", seed=0
    )
    assert set(importance) == {4, 5}
    layer = decoder_layers(builder._model)[4]
    keep = importance[4].channels.topk(builder.architecture.pruned(0.3).layers[4].channels).indices.sort().values
    built = builder.build(Configuration.uniform(8, bits=16, rank=2, pruning_rate=0.3), seed=0)
    assert torch.equal(base_module(built.model, 4, "up_proj").weight, layer.mlp.up_proj.weight[keep].to(torch.bfloat16))


@pytest.mark.parametrize("field", ["model_sha256", "task_sha256"])
def test_another_checksum_is_refused(make_setting, field):
    with pytest.raises(CorruptFileError, match=f"^{field[:5].rstrip('_')}.* has sha256 .*0000; make the plan again"):
        ModelBuilder(replace(make_setting(), **{field: "0000"}))


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        (Configuration.uniform(8, bits=16, rank=33), "rank 33 is larger than the layer"),
        (Configuration.uniform(7, bits=16, rank=2), "7 units; the model has 8 layers"),
        (Configuration.uniform(8, bits=5, rank=2), "bits is"),
        (Configuration.uniform(8, bits=4, rank=0), "ranks is"),
        (Configuration.uniform(8, bits=4, rank=2, pruning_rate=1.0), "pruning_rates is"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(builder, configuration, text):
    with pytest.raises(InvalidConfigurationError, match=text):
        builder.build(configuration, seed=0)


def test_held_out_examples_are_as_many_as_asked(builder):
    assert len(builder.held_out) == 8
    assert len(builder.train) > 50


def test_moments_are_measured_once_for_each_pruning(make_setting, monkeypatch):
    measured = []
    real = workshop_module.input_moments
    monkeypatch.setattr(workshop_module, "input_moments", lambda *args: (measured.append(args[-1]), real(*args))[1])
    shop = ModelBuilder(make_setting())
    start = replace(MIXED, methods=Methods(initializer="qera_diag"))
    for configuration in (start, replace(start, ranks=(2,) * 8), replace(start, pruning_rate=0.3), MIXED):
        shop.build(configuration, seed=0)
    assert measured == ["diagonal", "diagonal"]
