"""Dry runs: against real steps on the CPU as its meter sees them, and the closed form against dry runs."""

from dataclasses import replace

import pytest
import torch
from oracles.dry_run import dry_run
from oracles.shape_only import shape_only_tensors

from collectors.adapters import ADAPTERS
from collectors.measuring.memory_and_time import CpuMemoryMeter
from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.quantizers import QUANTIZERS, stored_bytes
from collectors.scoring.batch import Batch
from collectors.trial.finetune import _step, checkpoint_activations
from collectors.trial.optimizers import make_optimizer, state_bytes_of
from perfmodel.errors import InvalidConfigurationError, UnsupportedModelError
from perfmodel.memory.library_settings import LibrarySettings
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import training_memory
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

LAYERS = 7
LOAD = BatchLoad(4, 24, 16)
TRAINER = BatchLoad(4, 24, 0, loop="trainer")
CONFIG = {
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 304,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 1,
}


def asked(name: str, adapter: str = "lora", *, ranks=None, rate: float = 0.0, layers: int = LAYERS):
    methods = replace(Methods().with_format(name), adapter=adapter)
    return Configuration(rate, (FORMATS[name].bits,) * layers, ranks or (8,) * layers, methods)


@pytest.fixture
def measured(make_model):
    """Trains a real tiny model for two steps, and returns resident bytes and peak of the second."""

    def measure(family, configuration, recipe):
        sizes = {key: value for key, value in CONFIG.items() if key != "num_hidden_layers"}
        model = make_model(family, layers=LAYERS, **sizes)
        architecture = Architecture.from_config(CONFIG | {"model_type": family})
        names = {id(module): name for name, module in model.named_modules()}
        ranks = {}
        for layer, bits, rank in zip(decoder_layers(model), configuration.bits, configuration.ranks, strict=True):
            for parent, attribute in linear_modules(layer, architecture).values():
                quantizer = QUANTIZERS[configuration.methods.format_of(bits)]
                setattr(parent, attribute, quantizer.quantize(getattr(parent, attribute), torch.float32))
                ranks[f"{names[id(parent)]}.{attribute}"] = rank
        model.requires_grad_(requires_grad=False)
        adapter = ADAPTERS[configuration.methods.adapter]
        adapted = adapter.attach(model, ranks, dict.fromkeys(ranks, 16.0), dropout=recipe.dropout, peft_start=True)
        if recipe.gradient_checkpointing:
            checkpoint_activations(model)
        adapted.train()
        targets = torch.full((LOAD.batch_size, LOAD.length), -1)
        targets.view(-1)[: LOAD.answer_tokens] = 5
        batch = Batch(torch.randint(0, 304, targets.shape), targets, targets.numel())
        optimizer = make_optimizer([each for each in adapted.parameters() if each.requires_grad], recipe)
        _step(adapted, optimizer, batch, recipe, 0)
        resident = stored_bytes(adapted) + state_bytes_of(optimizer)
        meter = CpuMemoryMeter()
        with meter.step(lambda: resident):
            _step(adapted, optimizer, batch, recipe, 1)
        return resident, meter.peak_bytes

    return measure


@pytest.mark.parametrize(
    ("family", "configuration", "recipe"),
    [
        ("llama", asked("bf16"), Recipe()),
        ("llama", asked("int8"), Recipe(gradient_checkpointing=True)),
        ("llama", asked("nf4dq", "dora"), Recipe()),
        ("llama", asked("nf4", "qblora"), Recipe()),
        ("llama", asked("nf4"), Recipe(dropout=0.1)),
        ("llama", asked("hqq4g64", ranks=(0, 0, 0, 8, 0, 8, 8)), Recipe()),
        ("qwen3", asked("int8"), Recipe()),
        ("gemma3_text", asked("hqq3g64"), Recipe()),
        ("phi", asked("nf4"), Recipe()),
        ("phi3", asked("nf4"), Recipe()),
    ],
)
def test_a_dry_run_counts_what_the_meter_sees(measured, family, configuration, recipe):
    resident, peak = measured(family, configuration, recipe)
    counted = dry_run(CONFIG | {"model_type": family}, configuration, recipe, LOAD, device_class="cpu")
    step_counters = 4 * 3 * LAYERS * 7  # AdamW counts steps in scalars of its own, which stay on the CPU
    assert 0 <= resident - counted.resident <= step_counters
    assert counted.peak == pytest.approx(peak, rel=0.004)


FAMILIES = ("llama", "qwen3", "gemma3_text", "phi", "phi3", "mistral", "qwen2", "gemma2")
WAYS = (("cpu", False), ("cuda", True), ("cuda", False), ("cpu", True))


def every_format():
    """Yields two cases of every format: families and the four ways take turns."""
    for turn, name in enumerate((*FORMATS, *FORMATS)):
        family, (device, checkpointing) = FAMILIES[turn % len(FAMILIES)], WAYS[(turn + turn // 8) % 4]
        yield family, asked(name, layers=2), Recipe(gradient_checkpointing=checkpointing), LOAD, device


def what_else_differs():
    """Yields other adapters, dropout, pruned shapes, modules without adapters and Trainer's loop."""
    both = [(device, Recipe(gradient_checkpointing=on)) for device, on in (("cuda", True), ("cpu", True))]
    for device, recipe in both:
        for adapter, name in (("dora", "nf4"), ("qblora", "int8"), ("rslora", "bf16")):
            yield "llama", asked(name, adapter, layers=2), recipe, LOAD, device
        yield "llama", asked("nf4", layers=2), replace(recipe, dropout=0.1), LOAD, device
        yield "phi3", asked("hqq4g64", rate=0.3, layers=7), recipe, LOAD, device
        only = Configuration(0.0, (4,) * 14, ((8,) * 4 + (0,) * 3) * 2)
        yield "mistral", only, recipe, TRAINER, device
    for family in ("llama", "qwen2", "phi"):
        yield family, asked("nf4dq", layers=2), Recipe(), TRAINER, "cuda"


@pytest.mark.parametrize(
    ("family", "configuration", "recipe", "load", "device_class"),
    [*every_format(), *what_else_differs()],
    ids=lambda value: value.methods.format_of(value.bits[0]) if isinstance(value, Configuration) else None,
)
def test_the_closed_form_meets_the_dry_run(family, configuration, recipe, load, device_class):
    layers = len(configuration.bits) if len(configuration.bits) < 14 else 2
    config = CONFIG | {"model_type": family, "num_hidden_layers": layers}
    counted = dry_run(config, configuration, recipe, load, device_class=device_class)
    architecture = Architecture.from_config(config)
    estimate = training_memory(architecture, configuration, recipe, load, device_class=device_class)
    assert estimate.live == pytest.approx(counted.peak, rel=0.02)


@pytest.mark.parametrize("device_class", ["cpu", "cuda"])
def test_attention_that_is_written_out_is_followed_too(device_class):
    config = CONFIG | {"model_type": "llama", "num_hidden_layers": 2}
    settings = {"device_class": device_class, "attention": "eager"}
    counted = dry_run(config, asked("nf4", layers=2), Recipe(), LOAD, **settings)
    estimate = training_memory(Architecture.from_config(config), asked("nf4", layers=2), Recipe(), LOAD, **settings)
    assert estimate.live == pytest.approx(counted.peak, rel=0.02)


WIDE = CONFIG | {"hidden_size": 768, "intermediate_size": 2048, "num_attention_heads": 24, "num_key_value_heads": 8}
WIDE |= {"head_dim": 32, "vocab_size": 512}
PREPARED, FULL = LibrarySettings("peft", autocast=True), LibrarySettings(trains_all=True)


@pytest.mark.parametrize(
    ("family", "name", "libraries", "recipe"),
    [
        ("llama", "nf4dq", PREPARED, Recipe(gradient_checkpointing=True)),
        ("qwen3", "nf4dq", PREPARED, Recipe()),
        ("gemma3_text", "nf4", replace(PREPARED, kbit="trl"), Recipe(gradient_checkpointing=True)),
        ("llama", "nf4dq", replace(PREPARED, kbit="trl"), Recipe(gradient_checkpointing=True, dropout=0.1)),
        ("llama", "bf16", LibrarySettings(autocast=True), Recipe(gradient_checkpointing=True, dropout=0.1)),
        ("mistral", "bf16", FULL, Recipe(gradient_checkpointing=True)),
        ("llama", "bf16", FULL, Recipe()),
    ],
    ids=lambda value: f"{value.kbit}-{value.trains_all}" if isinstance(value, LibrarySettings) else None,
)
def test_what_libraries_do_is_followed(family, name, libraries, recipe):
    config = WIDE | {"model_type": family, "num_hidden_layers": 2}
    asking = asked(name, layers=2, ranks=(0, 0) if libraries.trains_all else None)
    load = BatchLoad(4, 256, 0, loop="trainer")
    settings = {"device_class": "cuda", "libraries": libraries}
    counted = dry_run(config, asking, recipe, load, **settings)
    estimate = training_memory(Architecture.from_config(config), asking, recipe, load, **settings)
    # With two layers, what the compute type of the first one's input saves under TRL weighs most.
    tolerance = 0.06 if libraries.kbit == "trl" else 0.03
    assert estimate.live == pytest.approx(counted.peak, rel=tolerance)


@pytest.mark.parametrize("name", ["bf16", "int8", "nf4", "nf4dq", "fp4", "hqq3g64", "hqq4g64", "hqq2g64", "hqq8g64"])
def test_stand_ins_have_the_shapes_and_types_that_quantisers_make(name):
    quantizer = QUANTIZERS[name]
    linear = torch.nn.Linear(96, 128)
    real = quantizer.pack(quantizer.quantize(linear, torch.float32))
    made = shape_only_tensors(quantizer.format, (128, 96), torch.float32, bias=True)
    assert {key: (value.shape, value.dtype) for key, value in made.items()} == {
        key: (value.shape, value.dtype) for key, value in real.items()
    }


def test_what_a_dry_run_cannot_follow_is_refused():
    config = CONFIG | {"model_type": "llama"}
    with pytest.raises(InvalidConfigurationError, match="adamw_8bit"):
        dry_run(config, asked("nf4"), Recipe(optimizer="adamw_8bit"), LOAD, device_class="cuda")
    with pytest.raises(UnsupportedModelError, match="mixtral"):
        dry_run(CONFIG | {"model_type": "mixtral"}, asked("nf4"), Recipe(), LOAD, device_class="cpu")
    windowed = CONFIG | {"model_type": "mistral", "sliding_window": 8}
    with pytest.raises(InvalidConfigurationError, match="sliding window"):
        dry_run(windowed, asked("nf4"), Recipe(), LOAD, device_class="cpu")
