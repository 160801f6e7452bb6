"""What each stage of a method is worth: the regret of the method without it, less that of the whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from search.comparison.contenders import VARIANTS
from search.comparison.metrics import Record, Yardstick, over_seeds, regret_after

Block = tuple[str, int]


def ablations(runs: Sequence[Record], against: Mapping[str, Yardstick], budgets: Sequence[int]) -> list[dict[str, Any]]:
    """Returns a row a stage that was left out, its paired differences of regret by budget over all tasks and seeds.

    Above 0 the stage helps. Only tasks and seeds that have both the whole and the method without the stage count.

    Args:
        runs: records of searches that ended well.
        against: the yardstick of each task, by its name.
        budgets: numbers of full trainings at which regrets are compared, each 1 or more.
    """
    names = dict.fromkeys(run["contender"] for run in runs)
    rows = []
    for name in names:
        left = VARIANTS.get(name)
        if left is None or left.whole is None or left.whole not in names:
            continue
        differences = {}
        for budget in budgets:
            without, whole = (_blocks(runs, against, each, budget) for each in (name, left.whole))
            both = sorted(set(without) & set(whole))
            differences[str(budget)] = over_seeds([without[block] - whole[block] for block in both]).to_dict()
        rows.append({"whole": left.whole, "stage": left.stage, "differences": differences})
    return rows


def _blocks(runs: Sequence[Record], against: Mapping[str, Yardstick], name: str, budget: int) -> dict[Block, float]:
    """Returns the regret of a contender by task and seed, of the runs that reached the budget."""
    return {
        (run["task"], run["seed"]): regret
        for run in runs
        if run["contender"] == name
        if (regret := regret_after(run, against[run["task"]], budget)) is not None
    }
