"""Relative error of each quantiser on the embedded model beside Gaussian matrices of the same shape and scale.

The embedded model's weights have been through 4 bits once; a quantiser that meets that grid looks better than it is.
An honest one has a ratio near 1; below 0.5 it must not be used on this model.
"""

import json
from statistics import mean

import torch
from rich.progress import track
from torch import nn

from collectors.prune import decoder_layers, linear_modules
from collectors.quantize import QUANTIZERS, quantize, stored_bytes
from datasets_cache import load_model, resolve

PLACES = ((2, "q_proj"), (15, "down_proj"), (27, "gate_proj"))


def relative_error(weight: torch.Tensor, bits: int) -> tuple[float, float]:
    """Returns the relative error of the dequantised weight, and its stored bits per weight."""
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight = nn.Parameter(weight.clone(), requires_grad=False)
    module = quantize(linear, bits, torch.float32)
    with torch.no_grad():
        back = module(torch.eye(weight.shape[1])).T
    return float((back - weight).norm() / weight.norm()), 8 * stored_bytes(module) / weight.numel()


def main() -> None:
    """Prints one JSON line."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers = decoder_layers(load_model(resolve("smollm2-135m"), dtype=torch.float32))
    weights = []
    for index, name in PLACES:
        parent, attribute = linear_modules(layers[index])[name]
        weights.append(getattr(parent, attribute).weight.detach())
    rows = {}
    for bits in track(sorted(QUANTIZERS), description="quantisers"):
        here = [relative_error(weight, bits) for weight in weights]
        gaussian = [relative_error(torch.randn_like(weight) * weight.std(), bits)[0] for weight in weights]
        rows[str(bits)] = {
            "model": round(mean(error for error, _ in here), 5),
            "gaussian": round(mean(gaussian), 5),
            "ratio": round(mean(error for error, _ in here) / mean(gaussian), 3),
            "bits_per_weight": round(mean(stored for _, stored in here), 3),
        }
    print(json.dumps({"benchmark": "quantizer_error", "matrices": len(PLACES), "by_bits": rows}))


if __name__ == "__main__":
    main()
