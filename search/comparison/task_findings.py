"""What won and what did not on each task, as findings; ``sentences`` says each in words."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from perfmodel.statistics.finding import Finding
from search.comparison.metrics import Record, Yardstick, over_seeds, regret_after

OURS: Final = "joint"
BASELINE: Final = "random"


def task_findings(runs: Sequence[Record], against: Mapping[str, Yardstick], budgets: Sequence[int]) -> list[Finding]:
    """Returns who has the least regret, and whether ours beats the baseline, at each budget on each task.

    Args:
        runs: records of searches that ended well.
        against: the yardstick of each task, by its name.
        budgets: full trainings, each 1 or more.
    """
    found = []
    for task, measure in against.items():
        for budget in budgets:
            regrets: dict[str, dict[int, float]] = {}
            for run in runs:
                if run["task"] == task and (regret := regret_after(run, measure, budget)) is not None:
                    regrets.setdefault(run["contender"], {})[run["seed"]] = regret
            if not regrets:
                continue
            means = {name: float(np.mean(list(values.values()))) for name, values in regrets.items()}
            first, where = min(means, key=means.__getitem__), {"task": task, "budget": budget}
            found.append(Finding("least regret", {**where, "searcher": first, "regret": means[first]}))
            if OURS in means and BASELINE in means:
                ours, theirs = regrets[OURS], regrets[BASELINE]
                paired = over_seeds([ours[seed] - theirs[seed] for seed in sorted(set(ours) & set(theirs))])
                numbers = {"ours": means[OURS], "theirs": means[BASELINE], **paired.to_dict()}
                found.append(Finding("ours against random", {**where, **numbers}))
    return found
