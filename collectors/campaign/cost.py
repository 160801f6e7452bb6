"""How long a trial takes beside others: the longest go first, so that no worker ends long after the rest."""

from collections.abc import Sequence
from statistics import mean

from perfmodel.traces.trace import Asked

BACKWARD = 1.0
"""Gradients with respect to a frozen layer's input are one more product with its weight, as dear as the forward."""

ADAPTER_PER_RANK = 1 / 400
"""What a rank adds to a step: 64 of them some 15 % on the shelf ``smollm2-v0``."""

HQQ_TOKENS = 25_000
"""Quantising a whole model with HQQ takes as long as its forward pass over so many tokens (``smollm2-v0``: about
30 s beside 15 s for 128 examples of up to 96 tokens)."""


def expected_cost(asked: Asked) -> float:
    """Returns the expected time of a trial, in forward passes of the whole model over one token.

    Comparable between trials of one model and device; the number of layers cancels out, since values of ``bits`` and
    ``ranks``, one a layer or one a linear module, are taken as positions from first to last.

    Args:
        asked: trial to estimate.
    """
    configuration, recipe = asked.configuration, asked.setting.recipe
    left = 1.0 - configuration.pruning_rate
    first = next((index for index, rank in enumerate(configuration.ranks) if rank), len(configuration.ranks))
    backward = BACKWARD * (1.0 - first / len(configuration.ranks))  # the gradient stops at the first adapter
    again = 1.0 if recipe.gradient_checkpointing else 0.0
    step = left * (1.0 + again + backward) + mean(configuration.ranks) * ADAPTER_PER_RANK
    training = recipe.steps * recipe.batch_size * recipe.max_length * step
    evaluation = len(recipe.curve_steps()) * recipe.eval_examples * recipe.max_length * left
    slow = mean(configuration.methods.format_of(bits).startswith("hqq") for bits in configuration.bits)
    made = HQQ_TOKENS * slow * left if configuration.pruning_rate else 0.0  # unpruned modules come from the library
    return training + evaluation + made


def longest_first(trials: Sequence[Asked]) -> list[Asked]:
    """Returns the trials in the order in which workers get them.

    Those of a setting stay together, since a worker loads a setting's model once and drops it for the next; the
    settings go by their longest trial. Trials of equal cost stay in order.

    Args:
        trials: trials of any settings.
    """
    costs = {asked.key: expected_cost(asked) for asked in trials}
    longest: dict[str, float] = {}
    for asked in trials:
        setting = asked.setting.identifier
        longest[setting] = max(longest.get(setting, 0.0), costs[asked.key])
    place = {setting: index for index, setting in enumerate(sorted(longest, key=longest.__getitem__, reverse=True))}
    return sorted(trials, key=lambda asked: (place[asked.setting.identifier], -costs[asked.key]))
