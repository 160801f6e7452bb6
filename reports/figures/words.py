"""A configuration, sizes and lists in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

_MOST_WIDTHS = 3
"""More different widths than this are told as a range."""


def described(configuration: Mapping[str, Any]) -> str:
    """Returns a configuration as ``4 bits, 8 in 6 layers, adapters of rank 8 in the last 20 layers, no pruning``.

    Args:
        configuration: as ``Configuration.to_dict`` writes it.
    """
    units = "layers" if len(configuration["bits"]) < 100 else "linear modules"
    rate = configuration["pruning_rate"]
    pruned = f"{100 * rate:.0f}\u00a0% of the prunable layers removed" if rate else "no pruning"
    parts = [_widths(configuration["bits"], units), _ranks(configuration["ranks"], units), pruned]
    adapter = configuration.get("methods", {}).get("adapter", "lora")
    return ", ".join(parts if adapter == "lora" else [*parts, f"adapter {adapter}"])


def listed(words: Sequence[str]) -> str:
    """Returns ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _widths(bits: Sequence[int], units: str) -> str:
    (most, _), *others = Counter(bits).most_common()
    if len(others) >= _MOST_WIDTHS:
        return f"{min(bits)} to {max(bits)} bits ({mean(bits):.1f} on average)"
    rest = [
        f"{width} in {count if count > 1 else 'one'} {units if count > 1 else units[:-1]}" for width, count in others
    ]
    return ", ".join([f"{most} bits", *rest])


def _ranks(ranks: Sequence[int], units: str) -> str:
    adapted = [place for place, rank in enumerate(ranks) if rank]
    if not adapted:
        return "no adapters"
    used = sorted({ranks[place] for place in adapted})
    rank = f"rank {used[0]}" if len(used) == 1 else f"ranks {used[0]} to {used[-1]}"
    count = len(adapted)
    if count == len(ranks):
        return f"adapters of {rank}"
    if adapted == list(range(len(ranks) - count, len(ranks))):
        return f"adapters of {rank} in the last {count} {units}"
    if adapted == list(range(count)):
        return f"adapters of {rank} in the first {count} {units}"
    return f"adapters of {rank} in {count} of {len(ranks)} {units}"
