"""Relative error of every format on the embedded model beside Gaussian matrices of the same shape and scale.

The embedded model's weights have been through 4 bits once; a quantiser that meets that grid looks better than it is.
An honest one has a ratio near 1; below 0.5 it must not be used on this model.
"""

import json

import torch
from rich.progress import Progress

from collectors.quantizers import QUANTIZERS
from collectors.quantizers.fairness import sample_weights
from collectors.quantizers.table import quantizer_table
from datasets_cache import load_model, resolve
from perfmodel.model.architecture import Architecture


def main() -> None:
    """Prints one JSON line."""
    torch.set_num_threads(1)
    base = resolve("smollm2-135m")
    weights = sample_weights(load_model(base, dtype=torch.float32), Architecture.from_config(base.config))
    with Progress() as progress:
        task = progress.add_task("formats", total=len(QUANTIZERS))
        rows = quantizer_table(QUANTIZERS, weights, lambda _: progress.advance(task))
    by_format = {
        row.format.name: {
            "model": round(row.errors.model, 9),
            "gaussian": round(row.errors.gaussian, 6),
            "ratio": round(row.errors.ratio, 3),
            "bits_per_weight": round(row.bits_per_weight, 3),
            "verdict": row.verdict,
        }
        for row in rows
        if row.errors and row.bits_per_weight
    }
    print(json.dumps({"benchmark": "quantizer_error", "matrices": len(weights), "by_format": by_format}))


if __name__ == "__main__":
    main()
