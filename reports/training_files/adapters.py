"""A configuration's adapters as the arguments of PEFT's ``LoraConfig``."""

import re
from typing import Any

from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration

VARIANTS: dict[str, dict[str, bool]] = {"lora": {}, "rslora": {"use_rslora": True}, "dora": {"use_dora": True}}
"""What ``LoraConfig`` is told of each form of adapter that PEFT has."""


def lora_arguments(configuration: Configuration, architecture: Architecture, recipe: Recipe) -> dict[str, Any]:
    """Returns the arguments of PEFT's ``LoraConfig``: one rank where it is the same everywhere, else ``rank_pattern``.

    Layers without adapters are left out by ``layers_to_transform``, single modules by the full names of the others.

    Args:
        configuration: its ranks and form of adapters are read; its units are layers or linear modules.
        architecture: of the base model.
        recipe: its alpha and dropout are read.

    Raises:
        InvalidConfigurationError: when no unit has a rank, or PEFT has no such adapters.

    Source: PEFT 0.21, ``tuners/lora/config.py``.
    """
    if configuration.methods.adapter not in VARIANTS:
        raise InvalidConfigurationError(
            f"the adapter {configuration.methods.adapter}", f"PEFT has {', '.join(VARIANTS)}", "choose one of these"
        )
    ranks, layers = configuration.ranks, len(architecture.layers)
    adapted = [unit for unit, rank in enumerate(ranks) if rank]
    if not adapted:
        raise InvalidConfigurationError("every rank is 0", "PEFT needs a module with an adapter", "raise a rank")
    largest = max(ranks)
    arguments: dict[str, Any] = {
        "r": largest,
        "lora_alpha": recipe.scaling_alpha(largest),
        "lora_dropout": recipe.dropout,
        "target_modules": [module.name for module in architecture.modules],
        **VARIANTS[configuration.methods.adapter],
        "bias": "none",
        "task_type": "CAUSAL_LM",
    }
    by_layer = len(ranks) == layers
    if len(adapted) < len(ranks):
        if by_layer:
            arguments["layers_to_transform"] = adapted
        else:
            arguments["target_modules"] = [_name(architecture, unit) for unit in adapted]
    others = _patterns(architecture, ranks, largest, by_layer=by_layer)
    if others:
        arguments["rank_pattern"] = others
        if recipe.alpha_rule != "fixed":
            arguments["alpha_pattern"] = {name: recipe.scaling_alpha(rank) for name, rank in others.items()}
    return arguments


def _patterns(architecture: Architecture, ranks: tuple[int, ...], largest: int, *, by_layer: bool) -> dict[str, int]:
    """Returns PEFT's ranks by the tails of names that they are for, the layers of one rank in one pattern."""
    found: dict[str, int] = {}
    for rank in sorted({0, *ranks} - {0, largest}, reverse=True):
        units = [unit for unit, each in enumerate(ranks) if each == rank]
        names = [re.escape(_name(architecture, unit)) for unit in units]
        patterns = [rf"layers\.({'|'.join(map(str, units))})\..+"] if by_layer else names
        found |= dict.fromkeys(patterns, rank)
    return found


def _name(architecture: Architecture, unit: int) -> str:
    """Returns the tail of the name of a linear module, unit by unit over all layers."""
    layer, place = divmod(unit, len(architecture.modules))
    module = architecture.modules[place]
    return f"layers.{layer}.{module.parent}.{module.name}"
