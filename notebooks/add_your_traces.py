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
# # Adding your own traces
#
# Your fine-tunes become traces in a store or a Parquet file and stand beside the published ones. In this notebook the
# first 73 published traces play the published ones, and the 14 that were made next play yours: all of them are real.

# %%
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
from IPython.display import Markdown, display

from datasets_cache.shelf.shelf import load_shelf
from datasets_cache.shelf.verify import known_architectures
from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.evaluation.step_0_losses import start_points, starting_losses
from perfmodel.evaluation.transfer import transfer_points
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import training_data
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.space import Space
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.store import TraceStore

by_time = sorted(load_shelf("smollm2-v1b").traces, key=lambda trace: trace.ran_on.started_at)
published, yours = by_time[:73], by_time[73:87]
known = {trace.asked.key for trace in published}
tasks = Counter(trace.asked.setting.task for trace in yours)
display(Markdown(f"{len(published)} published traces; yours are {', '.join(f'{n} of {t}' for t, n in tasks.items())}."))
task = tasks.most_common(1)[0][0]

# %% [markdown]
# ## Into a store
# `bench collect` fills the store of a run. `bench traces export` and `bench traces import` carry traces between runs as
# Parquet files with a checksum; in Python the same is done as below. Each trace has a key made from what was asked, so
# adding a trace twice changes nothing.

# %%
with TemporaryDirectory() as folder:
    digest = write_traces(yours, Path(folder) / "yours.parquet")
    with TraceStore.writer(Path(folder) / "traces.sqlite") as store:
        first = sum(store.add(trace) for trace in [*published, *read_traces(Path(folder) / "yours.parquet")])
        second = sum(store.add(trace) for trace in yours)
        everything = list(store)
display(Markdown(f"sha256 `{digest[:16]}…`; {first} traces were added, then {second}."))
assert (first, second) == (len(published) + len(yours), 0)

# %% [markdown]
# ## One setting at a time
# A predictor belongs to one setting: one base model, task, recipe and device class. Traces that mix settings are
# refused, and so are traces of fewer than ten configurations.

# %%
architecture = known_architectures()["smollm2-135m"]
space = Space.for_architecture(architecture)
how = {"metrics": ["held_out_loss", "peak_memory_bytes"], "surrogates": ["additive", "damage"]}
try:
    Predictor.fit(everything, space, architecture, **how)
except UserError as error:
    display(Markdown(f"All of them: *{error}*"))

of_task = [trace for trace in everything if trace.asked.setting.task == task]
before = [trace for trace in of_task if trace.asked.key in known]
try:
    Predictor.fit(before, space, architecture, **how)
except NotEnoughTracesError as error:
    display(Markdown(f"The published ones of {task}: *{error}*"))

predictor = Predictor.fit(of_task, space, architecture, **how)
score = predictor.scores[0]
spearman = score.scores["spearman"]
display(
    Markdown(
        f"With yours, {score.n_traces} traces of {score.n_configurations} configurations: Spearman "
        f"{spearman.value:.2f} [{spearman.low:.2f}, {spearman.high:.2f}] on held-out loss."
    )
)

# %% [markdown]
# ## Fewer traces of your own
# Two sources can take the place of some of your fine-tunes. Traces of other tasks: a model fitted to them predicts
# your task after a straight line has adjusted its level. The loss before fine-tuning (step 0): it costs one
# evaluation of the quantised, pruned model, and is measured, or predicted from other configurations. The table
# compares both with starting from scratch: the error of the logarithm of the loss on configurations that none of the
# models has seen.

# %%
featurizer = Featurizer(architecture, device_class="cpu", optimizer="adamw")
by_task = {}
for trace in everything:
    by_task.setdefault(trace.asked.setting.task, []).append(trace)
data = {name: training_data(found, "held_out_loss", featurizer) for name, found in by_task.items()}
cheap = starting_losses(by_task[task], featurizer)
points = transfer_points(data[task], [data[name] for name in data if name != task], "damage")
points += start_points(data[task], cheap, "damage")
rows = ["| your traces | start | error | Spearman |", "|---|---|---|---|"]
for point in sorted(points, key=lambda each: each.traces):
    ranks = "not defined" if point.spearman.value is None else f"{point.spearman.value:.2f}"
    error = point.link_rmse
    rows.append(f"| {point.traces} | {point.start} | {error.value:.2f} [{error.low:.2f}, {error.high:.2f}] | {ranks} |")
display(Markdown("\n".join(rows)))

# %%
figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
for start in dict.fromkeys(point.start for point in points):
    line = sorted((point.traces, point.link_rmse.value) for point in points if point.start == start)
    axes.plot(*zip(*line, strict=True), marker="o", label=start)
axes.set(xlabel=f"your traces of {task}", ylabel="error of log loss", ylim=(0, None))
axes.legend(fontsize=8)
plt.show()
