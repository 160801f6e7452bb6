# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Comparing surrogates
#
# A random split gives scores that are too good: other seeds of the same configuration may be among the training
# traces. Here surrogates are scored on harder splits, beside the best score that seed noise allows and beside a
# control that must fail. `bench fit --report` writes all of this for a run. A surrogate of your own is one file and
# one line in `perfmodel.surrogates.registry` (see `docs/adding.md`).

# %%
from collections import Counter

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display

from datasets_cache.shelf.shelf import load_shelf, newest_shelf
from datasets_cache.shelf.verify import known_architectures
from perfmodel.effects.noise_ceiling import noise_ceiling
from perfmodel.evaluation.ablation import feature_worths
from perfmodel.evaluation.score_sheet import learning_curve, shuffled_control, split_lines
from perfmodel.evaluation.scores import QUANTILES
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import training_data

shelf = load_shelf(newest_shelf())
task = Counter(trace.asked.setting.task for trace in shelf.traces).most_common(1)[0][0]
traces = [trace for trace in shelf.traces if trace.asked.setting.task == task]
setting = traces[0].asked.setting
featurizer = Featurizer(
    known_architectures()[setting.model], device_class=setting.device_class, optimizer=setting.recipe.optimizer
)
data = training_data(traces, "held_out_loss", featurizer)
names = ["constant", "additive", "damage", "gaussian_process"]


def text(estimate):
    """Returns an estimate with its 95 % interval over configurations."""
    if estimate.value is None:
        return "not defined"
    low, high = (f"{end:.2f}" if end is not None else "?" for end in (estimate.low, estimate.high))
    return f"{estimate.value:.2f} [{low}, {high}]"


# %% [markdown]
# ## The best that any predictor can do
# A measurement is a single run; with another seed it would be another number. This sets a ceiling to every score.

# %%
best = noise_ceiling(traces, "held_out_loss")
display(
    Markdown(
        f"Of {best.runs} runs of {task}: R² {text(best.r2)}, Spearman {text(best.spearman)}, "
        f"Kendall {text(best.kendall)}."
    )
)

# %% [markdown]
# ## The same surrogates on an easy split and on hard ones
# *random* leaves out traces, *configuration* leaves out configurations, *extrapolation* leaves out the best tenth,
# which is what a search is after. Intervals are conformal and should hold 90 % of the runs left out.

# %%
splits = ("random", "configuration", "extrapolation")
lines = [line for split in splits for line in split_lines(data, names, split, ceiling=best)]
shown = ("r2", "kendall_of_ceiling", "error_ratio_to_constant", "precision_at_top", "crps", "coverage_90")
table = {(line.split, line.surrogate): {name: text(line.scores[name]) for name in shown} for line in lines}
display(pd.DataFrame(table).T)

# %% [markdown]
# ## Are its intervals right? Does it gain from more traces?
# Left: how often a value lies below each predicted quantile; on the diagonal the intervals are right. Right: R² by
# the number of traces that the surrogate was fitted to, below the ceiling.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for line in lines:
    if line.split == "configuration":
        left.plot(QUANTILES, [point.value for point in line.calibration], marker=".", label=line.surrogate)
left.plot([0, 1], [0, 1], color="#222222", linestyle="--", linewidth=1)
left.set(xlabel="predicted quantile", ylabel="share below it")
left.legend()
sizes = [size for size in (15, 80) if size < len(data.target)]
for name in names:
    points = [point for point in learning_curve(data, [name], sizes=sizes) if point.r2.value is not None]
    right.plot([point.traces for point in points], [point.r2.value for point in points], marker="o", label=name)
right.axhline(best.r2.value, color="#222222", linestyle="--", linewidth=1)
right.set(xlabel="traces that train", ylabel="R²")
plt.show()

# %% [markdown]
# ## A control that must fail
# Fitted to shuffled targets no surrogate may rank anything: the interval must hold 0.

# %%
for name in names[1:]:
    control = shuffled_control(data, name)
    display(Markdown(f"{name}: Spearman within folds {text(control)}."))

# %% [markdown]
# ## What each group of features is worth
# The error without the group minus the error with it: positive means that the group helps. A group can be worth nothing
# because another one holds the same information.

# %%
rows = [
    {"surrogate": worth.surrogate, "group": worth.group, "columns": worth.columns, "worth": f"{worth.worth.value:+.3f}"}
    | {"95 %": f"[{worth.worth.low:+.3f}, {worth.worth.high:+.3f}]"}
    for name in ("additive", "damage")
    for worth in feature_worths(data, name)
]
display(pd.DataFrame(rows).set_index(["surrogate", "group"]))
