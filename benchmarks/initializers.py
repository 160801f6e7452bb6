"""What every initialiser leaves of a weight and of its outputs at rank 8, and how long the embedded model takes.

Errors are relative to the zero start's over the same format; ``gaussian`` has inputs of its own scale in every column,
``model`` is a matrix of the middle layer over the task's calibration texts. Seconds are those a processor needs for all
modules over NF4 on one thread, the zero start's quantisation included.
"""

import json
import time
from collections.abc import Callable

import torch
from rich.progress import track
from torch import Tensor, nn

from collectors.initializers import INITIALIZERS
from collectors.pruning.input_moments import input_moments
from collectors.pruning.prune import ModuleKey, decoder_layers, linear_modules
from collectors.quantizers import QUANTIZERS, linear_of
from collectors.scoring.encode import encode
from datasets_cache import load_model, load_task, load_tokenizer, resolve
from perfmodel.model.architecture import Architecture

RANK, SCALING = 8, 2.0
PLACE = (15, "down_proj")
FORMATS = ("nf4", "hqq3g64", "hqq2g64")
TIMED = ("zero", "loftq1", "loftq5", "qera_diag", "qera_exact", "olora", "pissa", "corda", "eva")


def quantize(name: str) -> Callable[[Tensor], nn.Module]:
    """Returns the function that stores a weight in a format."""
    return lambda weight: QUANTIZERS[name].quantize(linear_of(weight), torch.float32)


def errors(weight: Tensor, moments: Tensor, initializer: str, name: str) -> tuple[float, float]:
    """Returns the norm of what is lost of a weight, and the root mean square of what is lost of its outputs."""
    made = INITIALIZERS[initializer]
    given = {"none": None, "diagonal": moments.diagonal(), "full": moments}[made.moments]
    start = made.start(weight, quantize(name), QUANTIZERS[name].dequantize, rank=RANK, scaling=SCALING, moments=given)
    lost = (weight - QUANTIZERS[name].dequantize(start.base)).double()
    if start.a is not None and start.b is not None:
        lost -= SCALING * (start.b @ start.a)
    return float(lost.norm()), float((lost @ moments.double() @ lost.T).trace().sqrt())


def table(weight: Tensor, moments: Tensor) -> dict[str, dict[str, list[float]]]:
    """Returns, by format and initialiser, both errors over those of the zero start."""
    zero = {name: errors(weight, moments, "zero", name) for name in FORMATS}
    return {
        name: {
            initializer: [
                round(error / reference, 3)
                for error, reference in zip(errors(weight, moments, initializer, name), zero[name], strict=True)
            ]
            for initializer in INITIALIZERS
        }
        for name in track(FORMATS, description="errors")
    }


def seconds(weights: dict[ModuleKey, Tensor], moments: dict[str, dict[ModuleKey, Tensor]]) -> dict[str, float]:
    """Returns the time of starting every module of the model, by initialiser."""
    taken = {}
    for name in track(TIMED, description="seconds"):
        initializer = INITIALIZERS[name]
        begun = time.process_time()
        for place, weight in weights.items():
            given = moments[initializer.moments][place] if initializer.moments != "none" else None
            initializer.start(
                weight, quantize("nf4"), QUANTIZERS["nf4"].dequantize, rank=RANK, scaling=SCALING, moments=given
            )
        taken[name] = round(time.process_time() - begun, 1)
    return taken


def main() -> None:
    """Prints one JSON line."""
    torch.set_num_threads(1)
    base = resolve("smollm2-135m")
    model, architecture = load_model(base, dtype=torch.float32), Architecture.from_config(base.config)
    texts = [
        example.prompt + example.answer
        for example in encode(load_task("chain_sum").calibration, load_tokenizer(base), 96)
    ]
    moments, spent = {}, {}
    for kind in ("diagonal", "full"):
        begun = time.process_time()
        moments[kind] = input_moments(model, architecture, texts, kind)
        spent[f"moments_{kind}"] = round(time.process_time() - begun, 1)
    weights = {
        (index, name): getattr(*place).weight.detach()
        for index, layer in enumerate(decoder_layers(model))
        for name, place in linear_modules(layer, architecture).items()
    }
    torch.manual_seed(0)
    random = torch.randn(weights[PLACE].shape) * weights[PLACE].std()
    scales = torch.logspace(0, -2, random.shape[1]).square()
    print(
        json.dumps(
            {
                "benchmark": "initializers",
                "texts": len(texts),
                "tokens": sum(map(len, texts)),
                "errors": {
                    "gaussian": table(random, torch.diag(scales)),
                    "model": table(weights[PLACE], moments["full"][PLACE]),
                },
                "seconds": {**spent, **seconds(weights, moments)},
            }
        )
    )


if __name__ == "__main__":
    main()
