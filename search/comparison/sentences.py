"""What won and what did not on each task, in words."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from search.comparison.metrics import Record, Yardstick, over_seeds, regret_after

OURS: Final = "joint"
BASELINE: Final = "random"


def sentences(runs: Sequence[Record], against: Mapping[str, Yardstick], budgets: Sequence[int]) -> list[str]:
    """Returns who is first, and whether ours beats the baseline, at each budget on each task.

    Args:
        runs: that ended well.
        against: yardsticks by task.
        budgets: full trainings.
    """
    said = []
    for task, measure in against.items():
        for budget in budgets:
            found: dict[str, dict[int, float]] = {}
            for run in runs:
                if run["task"] == task and (regret := regret_after(run, measure, budget)) is not None:
                    found.setdefault(run["contender"], {})[run["seed"]] = regret
            if not found:
                continue
            means = {name: float(np.mean(list(values.values()))) for name, values in found.items()}
            first = min(means, key=means.__getitem__)
            said.append(f"{task}, {budget} evaluations: {first} has the least regret ({means[first]:.3f}).")
            if OURS in means and BASELINE in means:
                said.append(_paired(found[OURS], found[BASELINE], f"{budget} evaluations on {task}"))
    return said


def _paired(ours: dict[int, float], theirs: dict[int, float], where: str) -> str:
    difference = over_seeds([ours[seed] - theirs[seed] for seed in sorted(set(ours) & set(theirs))])
    if difference.value is None or difference.low is None or difference.high is None:
        return f"{OURS} and {BASELINE} at {where}: too few common seeds to say."
    figures = (
        f"regret {np.mean(list(ours.values())):.3f} against {np.mean(list(theirs.values())):.3f}, paired difference "
        f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}], {difference.n} seeds"
    )
    verb = "beats" if difference.high < 0 else "is worse than" if difference.low > 0 else "does not beat"
    return f"{OURS} {verb} {BASELINE} at {where}: {figures}."
