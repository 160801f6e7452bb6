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
# # Training a surrogate on the published traces
#
# From traces of real fine-tunes to a predictor that says what a configuration will cost, how sure that is, and
# whether the configuration lies outside what was measured. Every number below is computed from the newest release
# when the notebook runs.

# %%
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display

from datasets_cache.shelf.shelf import load_shelf, newest_shelf
from datasets_cache.shelf.verify import known_architectures
from perfmodel.evaluation.selection import judge
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import training_data
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.space import Configuration, Space

shelf = load_shelf(newest_shelf())
task, count = Counter(trace.asked.setting.task for trace in shelf.traces).most_common(1)[0]
traces = [trace for trace in shelf.traces if trace.asked.setting.task == task]
setting = traces[0].asked.setting
display(Markdown(f"**{shelf.name}**, task **{task}**: {count} traces of {setting.model} on {setting.device_class}."))

# %% [markdown]
# ## What a surrogate sees
# Each trace becomes a row of numbers: what can be computed from the configuration (quantisation errors, bytes), then
# its bits and ranks. `groups` says which rows are runs of the same configuration, so that a split never separates
# them.

# %%
architecture = known_architectures()[setting.model]
featurizer = Featurizer(architecture, device_class=setting.device_class, optimizer=setting.recipe.optimizer)
data = training_data(traces, "held_out_loss", featurizer)
columns = ["pruning_rate", "mean_bits", "mean_squared_error", "mean_log2_rank", "state_total_bytes"]
display(data.features.frame()[columns].describe().loc[["min", "mean", "max"]].round(3))

# %% [markdown]
# ## Scores on configurations left out
# Three repeats of five folds by configuration. R² is that of the logarithm of the loss; brackets are 95 % bootstrap
# intervals over configurations. Coverage is the share of runs inside the 90 % interval, which is conformal: widened
# by the errors on other folds. A surrogate that does not beat the constant (predicting the mean) is of no use.


# %%
def text(estimate):
    """Returns an estimate with its interval."""
    return (
        "not defined" if estimate.value is None else f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
    )


judged = judge(data, ["constant", "additive", "damage", "boosted"])
names = ("r2", "spearman", "error_ratio_to_constant", "coverage_90")
table = {score.surrogate: {name: text(score.scores[name]) for name in names} for score in judged.scores}
display(pd.DataFrame(table).T)

# %% [markdown]
# ## A predictor
# It scores the candidates for each metric as above, keeps the best, and fits that one to all traces.

# %%
space = Space.for_architecture(architecture, methods=traces[0].asked.configuration.methods)
metrics = ["held_out_loss", "peak_memory_bytes"]
predictor = Predictor.fit(traces, space, architecture, metrics=metrics, surrogates=["additive", "damage", "boosted"])
display(Markdown(f"Chosen: {', '.join(f'{name} for {metric}' for metric, name in predictor.record.chosen.items())}."))
usual = Configuration.uniform(space.units, bits=4, rank=8, methods=space.methods)
asked = {
    "4 bits, rank 8": usual,
    "first layer at 2 bits": replace(usual, bits=(2, *usual.bits[1:])),
    "8 bits, 30 % pruned": replace(usual, bits=(8,) * space.units, pruning_rate=0.3),
    "2 bits, half pruned": replace(usual, bits=(2,) * space.units, pruning_rate=0.5),
}
predicted = predictor.predict(list(asked.values()))
predicted.index = list(asked)
display(predicted.round(2))
figure, axes = plt.subplots(figsize=(6.5, 2.2), layout="constrained")
axes.hlines(predicted.index, predicted["held_out_loss_low"], predicted["held_out_loss_high"], linewidth=3, color="0.6")
axes.plot(predicted["held_out_loss"], predicted.index, "o", color="black")
axes.set(xlabel="held-out loss (nats): prediction and 90 % interval")
plt.show()

# %% [markdown]
# `outside_domain` marks configurations beyond the measured ones: their predictions are extrapolated.
#
# ## Saved without pickles
# A predictor is saved as a folder of JSON files. Loading checks that it gives its stored predictions again.

# %%
with TemporaryDirectory() as folder:
    predictor.save(Path(folder) / "predictor")
    files = sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())
    loaded = Predictor.load(Path(folder) / "predictor")
pd.testing.assert_frame_equal(loaded.predict(list(asked.values())), predictor.predict(list(asked.values())))
display(Markdown(f"{len(files)} files, among them `{files[-1]}`; the loaded predictor answers the same."))
