"""Every family through a whole trial's work: pruned, quantised with mixed widths, adapted, trained for two steps."""

from dataclasses import replace

import pytest
import torch

from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.scoring.evaluate import evaluate
from collectors.trial.finetune import finetune
from collectors.trial.model_builder import ModelBuilder
from collectors.trial.optimizers import make_optimizer
from datasets_cache import resolve
from perfmodel.memory.state_bytes import adapter_parameters, state_bytes
from perfmodel.model.architecture import FAMILIES, Architecture
from perfmodel.space.space import Configuration

BITS = (16, 8, 4, 3, 2, 4, 3, 8)
RANKS = (2, 4, 0, 8, 4, 2, 16, 8)
CONFIGURATION = Configuration(0.3, BITS, RANKS)


@pytest.fixture(scope="module", params=FAMILIES)
def builder(request, tmp_path_factory, make_model, tokenizer, make_setting):
    """The builder of a tiny model of each family; what it keeps goes to a cache of its own."""
    folder = tmp_path_factory.mktemp(f"tiny-{request.param}")
    model = make_model(request.param)
    torch.manual_seed(7)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    setting = make_setting(steps=2, curve_points=1, learning_rate=1e-2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERFMODEL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield ModelBuilder(replace(setting, model=str(folder), model_sha256=resolve(str(folder)).sha256))


@pytest.fixture
def built(builder):
    return builder.build(CONFIGURATION, seed=0)


def test_the_config_on_disk_says_the_shapes(builder):
    assert builder.architecture.family == builder.base.config["model_type"]
    assert builder.architecture.layers[0].kv_groups == 2
    assert builder.architecture == Architecture.from_config(builder._model.config.to_dict())


def test_shapes_widths_and_counts_are_what_was_asked(builder, built):
    pruned = builder.architecture.pruned(0.3)
    assert built.architecture == pruned != builder.architecture
    assert built.adapter_parameters == adapter_parameters(builder.architecture, CONFIGURATION)
    ranks = {}
    for index, layer in enumerate(decoder_layers(built.model.get_base_model())):
        for name, (parent, attribute) in linear_modules(layer, pruned).items():
            adapted = getattr(parent, attribute)
            if RANKS[index]:
                rows, columns = pruned.module_shapes(index)[name]
                ranks[index] = adapted.r["default"]
                assert tuple(adapted.lora_A["default"].weight.shape) == (RANKS[index], columns)
                assert tuple(adapted.lora_B["default"].weight.shape) == (rows, RANKS[index])
            else:
                assert not hasattr(adapted, "lora_A")
    assert ranks == {index: rank for index, rank in enumerate(RANKS) if rank}


def test_bytes_are_the_closed_form(builder, built):
    buffers = sum(
        buffer.untyped_storage().nbytes()
        for name, buffer in built.model.named_buffers()
        if "inv_freq" in name or "embed_scale" in name
    )
    expected = state_bytes(builder.architecture, CONFIGURATION, device_class="cpu")
    assert built.weight_bytes == expected.weights + buffers
    assert built.adapter_bytes == expected.adapters


def test_two_steps_train_every_adapter_and_nothing_else(builder, built):
    before = {name: parameter.detach().clone() for name, parameter in built.model.named_parameters()}
    trained = [parameter for parameter in built.model.parameters() if parameter.requires_grad]
    loss = evaluate(built.model, builder.held_out, builder.device).loss
    recipe = builder.setting.recipe
    finetune(
        built.model,
        make_optimizer(trained, recipe),
        builder.train,
        recipe,
        seed=0,
        device=builder.device,
        resident_bytes=built.weight_bytes + built.adapter_bytes,
        after_step=lambda _: None,
    )
    changed = {name for name, parameter in built.model.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed == {name for name in before if "lora_" in name}
    assert evaluate(built.model, builder.held_out, builder.device).loss < loss


def test_a_global_random_pruning_of_another_trial_is_another_model(builder):
    methods = replace(CONFIGURATION.methods, pruning_method="random", pruning_scope="global")
    first, second = (builder.build(replace(CONFIGURATION, methods=methods), seed).architecture for seed in (0, 1))
    assert first != second
    for pruned in (first, second):
        removed = 1 - sum(map(pruned.layer_parameters, pruned.prunable)) / sum(
            map(builder.architecture.layer_parameters, pruned.prunable)
        )
        assert removed == pytest.approx(0.3, abs=0.05)
