"""The linear modules of each unit, and the calibration examples as batches."""

from collections.abc import Sequence

import torch
from torch import nn

from collectors.pruning.prune import ModuleKey, decoder_layers, linear_modules
from collectors.scoring.batch import Batch, collate_examples
from collectors.scoring.encode import Encoded
from collectors.scoring.evaluate import EVAL_BATCH
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Unit


def units_of(architecture: Architecture, unit: Unit) -> list[tuple[ModuleKey, ...]]:
    """Returns the modules of each unit, in the order of a configuration's bits.

    Args:
        architecture: architecture of the base model.
        unit: ``layer`` or ``module``.
    """
    layers = [
        tuple((index, module.name) for module in architecture.modules) for index in range(len(architecture.layers))
    ]
    return layers if unit == "layer" else [(key,) for layer in layers for key in layer]


def linears_of(model: nn.Module, architecture: Architecture) -> dict[ModuleKey, nn.Linear]:
    """Returns every linear module of the decoder layers by its key.

    Args:
        model: float model with the architecture's shapes.
        architecture: architecture of the model.
    """
    return {
        (index, name): getattr(*place)
        for index, layer in enumerate(decoder_layers(model))
        for name, place in linear_modules(layer, architecture).items()
    }


def batches_of(examples: Sequence[Encoded], device: torch.device) -> list[Batch]:
    """Returns the examples in batches of like length, shortest first.

    Args:
        examples: encoded examples of a task's calibration set.
        device: device of the model.
    """
    order = sorted(examples, key=lambda example: example.length)
    return [collate_examples(order[start : start + EVAL_BATCH], device) for start in range(0, len(order), EVAL_BATCH)]
