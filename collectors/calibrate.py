"""Measures what a training step's seconds are made of on the present device: the profile that ``bench plan`` reads.

Matrix products, memory and dequantisation are measured by themselves. What starting an operation costs is fitted to
real steps of small random models, so that it holds for the trainer as it is. The CUDA path is the same code; it has not
been run on a GPU yet.
"""

import importlib.metadata
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import quantiles
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from collectors.adapters import ADAPTERS
from collectors.encode import Encoded
from collectors.finetune import finetune
from collectors.measure import synchronize
from collectors.optimizers import make_optimizer
from collectors.provenance import processor_name
from collectors.prune import decoder_layers, linear_modules
from collectors.quantizers import QUANTIZERS, linear_of
from perfmodel.architecture import Architecture
from perfmodel.device_profiles import DeviceProfile, format_family
from perfmodel.errors import InvalidConfigurationError
from perfmodel.methods import DEFAULT_METHODS
from perfmodel.recipe import Recipe
from perfmodel.space import Configuration
from perfmodel.timing import Work, step_time, step_work
from perfmodel.trace import DeviceClass
from perfmodel.training_memory import Load

PRODUCTS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "cpu": ((16, 64, 64), (64, 128, 128), (128, 256, 256), (256, 576, 576), (256, 576, 1536), (512, 1536, 1536)),
    "cuda": ((128, 512, 512), (512, 1024, 1024), (1024, 2048, 2048), (2048, 4096, 4096), (4096, 4096, 14336)),
}
"""Tokens, rows and columns of the products that are timed."""

MOVED_VALUES = {"cpu": 2**21, "cuda": 2**27}
"""Values of the vector whose product with a number is timed: 8 MiB of float32 on a CPU, as activations there."""

MATRIX = {"cpu": (576, 1536), "cuda": (4096, 4096)}
"""Rows and columns of the weight that is dequantised."""

FORMATS = ("bf16", "int8", "nf4", "nf4dq", "fp4", "hqq8g64", "hqq4g64", "hqq3g64", "hqq2g64")
"""One of each ``format_family``."""

SECONDS = 0.5
"""Given to each of the measurements that stand by themselves."""

STEPS = 5
"""Steps of each small model in a round, of which the first and the one that is profiled are not timed."""

ROUNDS = 3
"""Rounds over the small models. The fastest step of each counts: on a shared machine the others are someone else's."""


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
        Probe(64, 6, 1, 8, 16, 8),
        Probe(64, 12, 1, 8, 16, 8),
        Probe(64, 12, 1, 8, 16, 8, bare=6),
        Probe(64, 6, 8, 32, 16, 8),
        Probe(192, 6, 8, 16, 16, 8),
        Probe(192, 6, 8, 16, 4, 8),
        Probe(384, 6, 4, 32, 16, 8),
        Probe(384, 6, 8, 48, 16, 8),
        Probe(384, 6, 8, 48, 8, 32),
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

STAGES = {name: 2 + len(FORMATS) + ROUNDS * len(probes) for name, probes in PROBES.items()}
"""How often ``calibrate`` reports, by device class."""

DTYPES = {"cpu": torch.float32, "cuda": torch.bfloat16}


def calibrate(device: str | None = None, advance: Callable[[str], None] | None = None) -> DeviceProfile:
    """Returns the profile of a device, in about a minute.

    Args:
        device: ``cuda``, ``cpu`` or None for the best there is.
        advance: told after each measurement, ``STAGES`` times.

    Raises:
        InvalidConfigurationError: when there is no CUDA device.
    """
    device_class = present_device(device)
    place, say = torch.device(device_class), advance or (lambda _: None)
    rates = _matrix_rates(place, device_class)
    say(f"products at {rates[-1][1] / 1e9:.3g} G operations a second")
    bytes_per_s = _bytes_per_s(place, device_class)
    say(f"memory at {bytes_per_s / 1e9:.3g} GB a second")
    dequantized = {}
    for form in FORMATS:
        dequantized[format_family(form)] = _dequantized_per_s(form, place, device_class)
        say(f"{form} at {dequantized[format_family(form)] / 1e6:.3g} M weights a second")
    bare = DeviceProfile(
        name=_device_name(place),
        device_class=device_class,
        source="bench calibrate",
        measured=True,
        matrix_rates=tuple(rates),
        bytes_per_s=bytes_per_s,
        dequantized_per_s=dequantized,
    )
    probes = PROBES[device_class]
    seconds = [float("inf")] * len(probes)
    for _ in range(ROUNDS):
        for index, probe in enumerate(probes):
            seconds[index] = min(seconds[index], _step_seconds(probe, place, device_class))
            say(f"a step of {probe.layers} layers of {probe.hidden} in {seconds[index]:.3g} s")
    return fitted(bare, [_work(probe, device_class) for probe in probes], seconds)


def present_device(device: str | None) -> DeviceClass:
    """Returns the device class to calibrate: the given one, or CUDA where there is a device.

    Raises:
        InvalidConfigurationError: when there is no CUDA device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidConfigurationError(
            "the device cuda", "this machine shows torch no CUDA device", "calibrate with --device cpu, or elsewhere"
        )
    return "cuda" if device == "cuda" or (device is None and torch.cuda.is_available()) else "cpu"


def fitted(bare: DeviceProfile, works: Sequence[Work], seconds: Sequence[float]) -> DeviceProfile:
    """Returns the profile with the overheads and the moving factor that explain measured steps best.

    Least squares of relative errors over values of 0 or more.

    Args:
        bare: without overheads.
        works: of the measured steps.
        seconds: that they took.
    """
    from scipy.optimize import nnls

    measured = np.asarray(seconds)
    known, rows = [], []
    for work in works:
        step = step_time(work, bare)
        known.append(step.products + step.dequantization)
        rows.append([step.moving, work.passes, work.adapter_passes, 1.0])
    wanted = (measured - np.asarray(known)) / measured
    (slower, per_pass, per_adapter, per_step), _ = nnls(np.asarray(rows) / measured[:, None], wanted)
    profile = replace(
        bare,
        moving_factor=float(slower),
        seconds_per_pass=float(per_pass),
        seconds_per_adapter=float(per_adapter),
        seconds_per_step=float(per_step),
    )
    errors = [step_time(work, profile).seconds / took - 1 for work, took in zip(works, seconds, strict=True)]
    details = {"fit_errors": [round(error, 4) for error in errors]}
    return replace(profile, details={**details, "threads": torch.get_num_threads(), "versions": _versions()})


def _seconds_of(action: Callable[[], object], device: torch.device) -> float:
    """Returns the lower quartile of an action's seconds, repeated for about ``SECONDS`` after a first run."""
    action()
    spent: list[float] = []
    while sum(spent) < SECONDS or len(spent) < 4:
        synchronize(device)
        start = time.perf_counter()
        action()
        synchronize(device)
        spent.append(time.perf_counter() - start)
    return quantiles(spent, n=4)[0]


def _matrix_rates(device: torch.device, device_class: DeviceClass) -> list[tuple[float, float]]:
    rates: list[tuple[float, float]] = []
    for tokens, rows, columns in PRODUCTS[device_class]:
        x = torch.randn(tokens, columns, device=device, dtype=DTYPES[device_class])
        weight = torch.randn(rows, columns, device=device, dtype=DTYPES[device_class])
        operations = 2.0 * tokens * rows * columns
        # bound as defaults: the loop's variables change
        seconds = _seconds_of(lambda x=x, weight=weight: nn.functional.linear(x, weight), device)  # type: ignore[misc]
        # A larger product takes no less time than a smaller one, whatever disturbed the smaller.
        slowest = max((each / rate for each, rate in rates), default=0.0)
        rates.append((operations, operations / max(seconds, slowest)))
    return rates


def _bytes_per_s(device: torch.device, device_class: DeviceClass) -> float:
    values = torch.randn(MOVED_VALUES[device_class], device=device, dtype=DTYPES[device_class])
    return 2 * values.untyped_storage().nbytes() / _seconds_of(lambda: values * 1.5, device)


def _dequantized_per_s(form: str, device: torch.device, device_class: DeviceClass) -> float:
    """Returns the weights a second of a training pass of one token, forward and backward, which is all dequantising."""
    rows, columns = MATRIX[device_class]
    dtype = DTYPES[device_class]
    module = QUANTIZERS[form].quantize(linear_of(torch.randn(rows, columns, device=device) / 30), dtype).train()
    x = torch.randn(1, columns, device=device, dtype=dtype, requires_grad=True)
    dense = torch.randn(rows, columns, device=device, dtype=dtype)
    ones = torch.ones(1, rows, device=device, dtype=dtype)

    def both(product: Callable[[Tensor], Tensor]) -> None:
        product(x).backward(ones)  # type: ignore[no-untyped-call]  # torch's own signature
        x.grad = None

    whole = _seconds_of(lambda: both(module), device)
    without = _seconds_of(lambda: both(lambda each: nn.functional.linear(each, dense)), device)
    return 2 * rows * columns / max(whole - without, 0.05 * whole)


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


def _work(probe: Probe, device_class: DeviceClass) -> Work:
    architecture = Architecture.from_config({"model_type": "llama", **_sizes(probe)})
    load = Load(probe.batch, probe.length, probe.batch * _answer(probe))
    return step_work(architecture, _configuration(probe), _recipe(probe), load, device_class=device_class)


def _answer(probe: Probe) -> int:
    return max(1, probe.length // 8)


def _step_seconds(probe: Probe, device: torch.device, device_class: DeviceClass) -> float:
    model = _model(probe, device, DTYPES[device_class])
    recipe = _recipe(probe)
    optimizer = make_optimizer([each for each in model.parameters() if each.requires_grad], recipe)
    answer = _answer(probe)
    ids = [tuple(int(each) for each in row) for row in torch.randint(2, 500, (probe.batch, probe.length))]
    examples = [Encoded(row[:-answer], row[-answer:]) for row in ids]
    training = finetune(
        model, optimizer, examples, recipe, seed=0, device=device, resident_bytes=0, after_step=lambda _: None
    )
    return min(training.step_seconds)


def _model(probe: Probe, device: torch.device, dtype: torch.dtype) -> nn.Module:
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


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor_name()


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft", "bitsandbytes", "hqq")}
