"""Which trials a campaign makes: uniform baselines, configurations spread over the space, repeats over seeds."""

from collections.abc import Iterable, Sequence

from perfmodel.space.sampling import stratified
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Asked, Setting

BASELINES: dict[str, tuple[int, int]] = {
    "LoRA 16-bit r8": (16, 8),
    "int8 r8": (8, 8),
    "QLoRA NF4 r8": (4, 8),
    "QLoRA NF4 r16": (4, 16),
    "QLoRA NF4 r64": (4, 64),
    "HQQ 3-bit r8": (3, 8),
    "HQQ 2-bit r8": (2, 8),
}
"""Name, then bits and rank of every layer; no pruning."""


def baselines(space: Space) -> dict[str, Configuration]:
    """Returns the uniform baselines whose bits and rank the space holds, by name.

    Args:
        space: legal configurations.
    """
    return {
        name: Configuration.uniform(space.units, bits=bits, rank=rank)
        for name, (bits, rank) in BASELINES.items()
        if bits in space.bits and rank in space.ranks and 0.0 in space.pruning_rates
    }


def plan(
    space: Space,
    setting: Setting,
    *,
    configurations: int,
    repeated: int,
    seeds: Sequence[int],
    plan_seed: int = 0,
    with_baselines: bool = True,
) -> list[Asked]:
    """Returns the trials of a campaign, in the order in which they teach most.

    Every baseline and every stratified configuration comes first with the first seed; then the baselines and the
    first ``repeated`` of the stratified configurations with each further seed, so that a campaign that is cut short
    has covered the space.

    Args:
        space: legal configurations.
        setting: model, task, recipe and device class of every trial.
        configurations: number of stratified configurations beside the baselines, 0 or more.
        repeated: how many of those are run with every seed, as every baseline is; 0 or more.
        seeds: seeds of the trials, at least one.
        plan_seed: seed of the stratified draw.
        with_baselines: whether the uniform baselines are run.
    """
    uniform = list(baselines(space).values()) if with_baselines else []
    spread = stratified(space, configurations, plan_seed) if configurations else []
    trials = [Asked(setting, each, seeds[0], "baseline") for each in uniform]
    trials += [Asked(setting, each, seeds[0], "plan") for each in spread]
    for seed in seeds[1:]:
        trials += [Asked(setting, each, seed, "baseline") for each in uniform]
        trials += [Asked(setting, each, seed, "plan") for each in spread[:repeated]]
    return unique(trials)


def unique(trials: Iterable[Asked]) -> list[Asked]:
    """Returns the trials without those whose key came before, in order.

    Args:
        trials: trials, some of them perhaps repeated.
    """
    first: dict[str, Asked] = {}
    for asked in trials:
        first.setdefault(asked.key, asked)
    return list(first.values())
