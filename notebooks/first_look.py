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
# # A first look at the published traces
#
# Each trace is one real fine-tune: what was asked (pruning rate, bits and LoRA rank of every layer), what was
# measured (held-out loss, accuracy, bytes, seconds) and what it ran on. Every number and sentence below is computed
# from the newest release when the notebook runs. The data card, `bench data show NAME`, says how the traces were made
# and what to mind.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from datasets_cache.release.card import by_setting, noise_and_spread, takes_part_in_scores
from datasets_cache.release.coverage import shelf_coverage
from datasets_cache.shelf.shelf import load_shelf, newest_shelf
from perfmodel.effects.axis_effects import axis_effects
from perfmodel.effects.bits_against_ranks import agreement
from perfmodel.effects.noise_ceiling import noise_ceiling
from perfmodel.effects.variance_shares import variance_shares
from perfmodel.errors import NotEnoughTracesError
from search.contract.pareto import non_dominated


def plain_log_scale(axis):
    """Makes the y axis logarithmic, with ticks at 1, 2 and 5 times powers of ten, written out."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(ScalarFormatter())
    axis.yaxis.set_minor_formatter(NullFormatter())


shelf = load_shelf(newest_shelf())
groups = by_setting(shelf.traces)


def say(text):
    display(Markdown(text))


def interval(estimate, digits=2):
    """Returns an estimate with its 95 % interval."""
    if estimate.value is None:
        return "not defined"
    low, high = (f"{end:.{digits}f}" if end is not None else "?" for end in (estimate.low, estimate.high))
    return f"{estimate.value:.{digits}f} [{low}, {high}]"


def for_each_task(function):
    """Returns what the function finds on each task that has enough traces."""
    found = {}
    for name, traces in groups.items():
        try:
            found[name] = function(traces)
        except NotEnoughTracesError:
            continue
    return found


say(f"**{shelf.name}**: {len(shelf.traces)} traces of {len(groups)} settings, sha256 `{shelf.sha256[:16]}…`")

# %% [markdown]
# ## What there is

# %%
rows = []
for name, traces in groups.items():
    noise, spread = noise_and_spread(traces)
    rows.append(
        {
            "task": name,
            "traces": len(traces),
            "configurations": len({trace.asked.configuration for trace in traces}),
            "spread over configurations / seed noise": spread / noise if noise and spread else np.nan,
            "takes part in scores": {True: "yes", False: "no", None: "not known"}[takes_part_in_scores(traces)],
        }
    )
display(pd.DataFrame(rows).set_index("task").round(1))

# %% [markdown]
# ## Coverage
# Configurations by mean bits and pruning rate.

# %%
figure, axes = plt.subplots(1, len(groups), figsize=(2.4 * len(groups) + 1, 3.2), sharey=True, layout="constrained")
for axis, (name, traces) in zip(np.atleast_1d(axes), groups.items(), strict=True):
    covered = shelf_coverage(traces)
    axis.imshow(covered.counts, origin="lower", aspect="auto", cmap="Blues", extent=(0, len(covered.rates), 2, 16))
    axis.set_xticks(np.arange(len(covered.rates)) + 0.5, [f"{rate:g}" for rate in covered.rates], fontsize=7)
    axis.set_title(f"{name}\n{covered.tenths} of 10 tenths of the bits held", fontsize=7)
    axis.set_xlabel("pruning rate", fontsize=8)
np.atleast_1d(axes)[0].set_ylabel("mean bits")
plt.show()

# %% [markdown]
# ## The effect of rate, bits and ranks
# One point is one run; the task with most configurations.

# %%
table = pd.DataFrame(
    {
        "task": name,
        "pruning rate": trace.asked.configuration.pruning_rate,
        "mean bits": np.mean(trace.asked.configuration.bits),
        "mean log2(1 + rank)": np.mean(np.log2(1 + np.array(trace.asked.configuration.ranks))),
        "loss": trace.measured.held_out_loss,
        "accuracy": trace.measured.accuracy,
        "resident MB": (trace.measured.weight_bytes + trace.measured.adapter_bytes + trace.measured.optimizer_bytes)
        / 1e6,
    }
    for name, traces in groups.items()
    for trace in traces
    if trace.ok
)
largest = table["task"].mode()[0]
of_largest = table[table["task"] == largest]
figure, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True, layout="constrained")
for axis, column in zip(axes, ("mean bits", "pruning rate", "mean log2(1 + rank)"), strict=True):
    other = "mean bits" if column == "pruning rate" else "pruning rate"
    points = axis.scatter(of_largest[column], of_largest["loss"], c=of_largest[other], s=14, cmap="viridis")
    axis.set_xlabel(column)
    figure.colorbar(points, ax=axis, label=other)
axes[0].set_ylabel("held-out loss, nats")
plain_log_scale(axes[0])
figure.suptitle(largest)
plt.show()

# %% [markdown]
# First table: how far the loss moves when one axis goes from its lowest to its highest value and the others stay, in
# standard deviations over seeds (`perfmodel.effects.axis_effects`). Second table: the share of the variance of the
# loss that each axis explains, for tasks with enough traces (`perfmodel.effects.variance_shares`).

# %%
effects = for_each_task(axis_effects)
display(
    pd.DataFrame(
        {"task": name, "axis": axis.axis, "in seed deviations": interval(axis.ratio, 1), "verdict": axis.verdict}
        for name, found in effects.items()
        for axis in found.axes
    )
)
shares = for_each_task(variance_shares)
columns = {name: {axis: interval(share) for axis, share in found.axes.items()} for name, found in shares.items()}
display(pd.DataFrame(columns))

# %% [markdown]
# ## Fronts
# The best loss for the bytes that stay resident while training (weights, adapters, optimiser).

# %%
figure, axes = plt.subplots(1, len(groups), figsize=(2.4 * len(groups) + 1, 3), layout="constrained")
for axis, name in zip(np.atleast_1d(axes), groups, strict=True):
    points = table.loc[table["task"] == name, ["resident MB", "loss"]].to_numpy()
    front = points[non_dominated(points)]
    front = front[np.argsort(front[:, 0])]
    axis.scatter(*points.T, s=8, color="#9AA0A6")
    axis.step(*front.T, where="post", color="#D55E00", marker="o", markersize=3)
    plain_log_scale(axis)
    axis.set_title(name, fontsize=7)
    axis.set_xlabel("resident MB", fontsize=8)
np.atleast_1d(axes)[0].set_ylabel("held-out loss, nats")
plt.show()

# %% [markdown]
# ## Noise
# How far results differ when only the seed changes, and the best scores that any prediction of single runs can reach
# because of that (`perfmodel.effects.noise_ceiling`).

# %%
ceilings = for_each_task(lambda traces: noise_ceiling(traces, "held_out_loss"))
display(
    pd.DataFrame(
        {
            "task": name,
            "noise of log loss": interval(found.noise, 3),
            "highest R2": interval(found.r2),
            "highest Spearman": interval(found.spearman),
        }
        for name, found in ceilings.items()
    )
)

# %% [markdown]
# ## Three findings, and one that was not shown

# %%
judged = [(name, axis) for name, found in effects.items() for axis in found.axes if axis.ratio.value is not None]
mattering = [(name, axis) for name, axis in judged if axis.verdict == "matters"]
if mattering:
    name, strongest = max(mattering, key=lambda entry: abs(entry[1].ratio.value))
    say(
        f"1. **What matters most.** The strongest axis is `{strongest.axis}` on {name}: from end to end it "
        f"moves log loss by {interval(strongest.ratio, 0)} seed deviations. {len(mattering)} of {len(judged)} axes on "
        f"{len(effects)} tasks move it beyond noise."
    )
else:
    say("1. **What matters most.** On no task with enough repeats does an axis move the loss beyond noise.")

# %%
points = of_largest.sort_values("resident MB")
best = points.loc[points["loss"].idxmin()]
margin = np.exp(2 * ceilings[largest].noise.value) if largest in ceilings else 1.0
cheap = points[points["loss"] <= best["loss"] * margin].iloc[0]
say(
    f"2. **What quality costs.** On {largest} the lowest loss, {best['loss']:.3f} nats, took "
    f"{best['resident MB']:.0f} MB. The cheapest run within two seed deviations took {cheap['resident MB']:.0f} MB, "
    f"{cheap['resident MB'] / best['resident MB']:.0%} of that, at {cheap['mean bits']:.1f} bits on average and a "
    f"pruning rate of {cheap['pruning rate']:g}."
)

# %%
agreements = {name: found.spearman for name, found in for_each_task(agreement).items()}
texts = [f"{interval(rho)} on {name}" for name, rho in agreements.items() if rho.value is not None]
weakest = min((rho.low for rho in agreements.values() if rho.low is not None), default=None)
if weakest is None:
    verdict = "cannot be told yet"
else:
    verdict = "holds on every task" if weakest > 0.5 else "does not hold on every task"
say(f"3. **Accuracy follows loss**: that {verdict}. Spearman's rank correlation is {', '.join(texts) or 'not known'}.")

# %%
unseen = [(name, axis) for name, axis in judged if axis.verdict != "matters"]
if judged:
    name, faintest = min(unseen or judged, key=lambda entry: abs(entry[1].ratio.value))
    say(
        f"**What did not show.** {len(unseen)} of {len(judged)} axes do not stand out from the noise. The faintest of "
        f"{'these' if unseen else 'all'} is `{faintest.axis}` on {name}: {interval(faintest.ratio, 1)} seed deviations "
        f"from end to end ({faintest.verdict})."
    )
else:
    say(f"**What did not show.** Anything yet: 0 of {len(groups)} tasks have repeats enough to tell axes from noise.")
