"""Steps of small random models: what starting an operation costs is fitted to them, so it holds for the trainer."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from collectors.adapters import ADAPTERS
from collectors.device.device_rates import DTYPES, clock_of
from collectors.measuring.memory_and_time import synchronize
from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.quantizers import QUANTIZERS
from collectors.scoring.encode import Encoded
from collectors.trial.finetune import finetune
from collectors.trial.optimizers import make_optimizer
from perfmodel.memory.load import BatchLoad
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.timing.step_time import Work, step_work
from perfmodel.traces.trace import DeviceClass

STEPS = 5
"""Steps of each small model in a round, of which the first and the one that is profiled are not timed."""


@dataclass(frozen=True)
class Probe:
    """A small random model whose steps are timed.

    Args:
        hidden: residual width; the MLP has three times as many channels.
        layers: number of them.
        batch: examples.
        length: tokens of each.
        bits: of all linear weights.
        rank: of all adapters.
        bare: first layers without adapters.
    """

    hidden: int
    layers: int
    batch: int
    length: int
    bits: int
    rank: int
    bare: int = 0


PROBES: dict[str, tuple[Probe, ...]] = {
    "cpu": (
        Probe(256, 6, 1, 16, 16, 8),
        Probe(256, 12, 1, 16, 16, 8, bare=6),
        Probe(256, 6, 8, 32, 16, 8),
        Probe(512, 4, 1, 32, 16, 8),
        Probe(512, 4, 8, 16, 16, 8),
        Probe(512, 4, 8, 32, 4, 8),
        Probe(512, 4, 8, 32, 8, 32),
        Probe(512, 4, 8, 32, 16, 8, bare=2),
        Probe(512, 4, 8, 64, 16, 8),
    ),
    "cuda": (
        Probe(512, 8, 1, 64, 16, 8),
        Probe(512, 16, 1, 64, 16, 8),
        Probe(512, 16, 1, 64, 16, 8, bare=8),
        Probe(1024, 8, 8, 256, 16, 8),
        Probe(1024, 8, 8, 256, 4, 8),
        Probe(2048, 8, 4, 512, 16, 8),
        Probe(2048, 8, 8, 512, 4, 32),
    ),
}


def probe_work(probe: Probe, device_class: DeviceClass) -> Work:
    """Returns what a step of a probe does."""
    architecture = Architecture.from_config({"model_type": "llama", **_sizes(probe)})
    load = BatchLoad(probe.batch, probe.length, probe.batch * _answer(probe))
    return step_work(architecture, _configuration(probe), _recipe(probe), load, device_class=device_class)


def probe_seconds(probe: Probe, device: torch.device, device_class: DeviceClass) -> float:
    """Returns the seconds of a probe's fastest step."""
    model = probe_model(probe, device, DTYPES[device_class])
    recipe = _recipe(probe)
    optimizer = make_optimizer([each for each in model.parameters() if each.requires_grad], recipe)
    answer = _answer(probe)
    ids = [tuple(int(each) for each in row) for row in torch.randint(2, 500, (probe.batch, probe.length))]
    examples = [Encoded(row[:-answer], row[-answer:]) for row in ids]
    clock = clock_of(device)
    ends: list[float] = []

    def after_step(_: int) -> None:
        synchronize(device)
        ends.append(clock())

    finetune(model, optimizer, examples, recipe, seed=0, device=device, resident_bytes=0, after_step=after_step)
    # All batches are alike, so the second step is the one that is profiled.
    return min(end - start for start, end in pairwise(ends[1:]))


def probe_model(probe: Probe, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Returns a random Llama whose linear modules are stored and adapted as a trial's are."""
    from transformers import AutoConfig, AutoModelForCausalLM

    loader: Any = AutoModelForCausalLM  # its methods are untyped
    config = AutoConfig.for_model("llama", **_sizes(probe), pad_token_id=0, bos_token_id=1, eos_token_id=1)
    config.use_cache = False
    model: Any = loader.from_config(config, dtype=dtype).to(device)
    for parameter in model.parameters():
        parameter.requires_grad = False
    architecture = Architecture.from_config(config.to_dict())
    quantizer = QUANTIZERS[DEFAULT_METHODS.format_of(probe.bits)]
    names = {id(module): name for name, module in model.named_modules()}
    ranks = {}
    for index, layer in enumerate(decoder_layers(model)):
        for parent, attribute in linear_modules(layer, architecture).values():
            setattr(parent, attribute, quantizer.quantize(getattr(parent, attribute), dtype))
            ranks[f"{names[id(parent)]}.{attribute}"] = probe.rank if index >= probe.bare else 0
    alphas = {name: 16.0 for name, rank in ranks.items() if rank}
    return ADAPTERS["lora"].attach(model, ranks, alphas, dropout=0.0, peft_start=True)


def _configuration(probe: Probe) -> Configuration:
    ranks = (0,) * probe.bare + (probe.rank,) * (probe.layers - probe.bare)
    return Configuration(0.0, (probe.bits,) * probe.layers, ranks)


def _sizes(probe: Probe) -> dict[str, Any]:
    return {
        "hidden_size": probe.hidden,
        "intermediate_size": 3 * probe.hidden,
        "num_hidden_layers": probe.layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 512,
        "tie_word_embeddings": True,
    }


def _recipe(probe: Probe) -> Recipe:
    return Recipe(steps=STEPS, batch_size=probe.batch, max_length=probe.length, curve_points=1)


def _answer(probe: Probe) -> int:
    return max(1, probe.length // 8)
