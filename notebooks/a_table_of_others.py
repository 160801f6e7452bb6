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
# # Surrogates on a table of others
#
# The surrogates learn from any table: you declare the metric and name the inputs. Here they learn from 548 fine-tunes
# of 35 models with LoRA, published with the [Tinker cookbook](https://github.com/thinking-machines-lab/tinker-cookbook)
# (Apache-2.0; one seed, diverged runs are not in it). The question is one that a split by configuration cannot
# answer: what do they say of a model that nobody has fine-tuned yet? Its authors warn that a loss per token depends on
# the tokenizer, so that levels of different models cannot be compared, and that durations follow the servers' load.

# %%
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from perfmodel.evaluation.selection import choose, judge
from perfmodel.features.table import TableInputs, copied_rows, table_data
from perfmodel.predictor.prediction import Prediction
from perfmodel.space.metrics import Metric
from perfmodel.surrogates.boosted import BoostedSurrogate
from perfmodel.surrogates.registry import make_surrogate

table = pd.read_csv(files("datasets_cache") / "table_data" / "tinker_sft_sweep.csv")
table["log10_learning_rate"], table["log2_rank"] = np.log10(table["lr"]), np.log2(table["rank"])
display(table.sample(5, random_state=0))

# %% [markdown]
# ## Metric and inputs
# A metric has a name, a unit, a direction, a link (`log_target`: its logarithm is modelled) and bounds. Inputs are
# numeric or categorical. A missing value, or one outside the bounds, is refused by the name of its column. Rows that
# are the same in inputs and value but belong to different configurations are reported: they may be copies.

# %%
loss = Metric("test", "Test loss", "nats per token", minimize=True, log_target=True)
minutes = Metric("min", "Duration", "minutes", minimize=True, log_target=True)
choices = ["log10_learning_rate", "log2_rank"]
questions = {
    "new choices for a known model": (loss, [*choices, "model"], "configuration"),
    "a new model": (loss, choices, "model"),
    "how long a new model takes": (minutes, choices, "model"),
}
asked = {
    name: (table_data(table, metric, TableInputs.of(table, inputs), labels=["model"]), split)
    for name, (metric, inputs, split) in questions.items()
}
copies = {name: len(copied_rows(data)) for name, (data, _) in asked.items()}
display(Markdown("Rows with a twin in another configuration: " + ", ".join(f"{n} for {q}" for q, n in copies.items())))

# %% [markdown]
# Without the model among the inputs some losses agree to the last of four digits by chance; with it no row has a twin.
#
# ## Scores under the split that will be asked
# `split="model"` leaves one model out at a time. Its bootstrap intervals (95 %) and its 90 % prediction intervals count
# models, not fine-tunes: 27 runs of one model say no more about the next model than one does. A surrogate is
# chosen only where the whole interval of its error over the constant's lies below 1. `deeper` is the boosted model
# with trees of depth 5 instead of 3.


# %%
def text(estimate):
    """Returns an estimate with its interval."""
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]" if estimate.value is not None else "-"


def makers(metric):
    """Returns what makes each surrogate for a metric."""
    made = {name: lambda _, name=name: make_surrogate(name, metric) for name in ("constant", "additive", "boosted")}
    return {**made, "deeper": lambda _: BoostedSurrogate(log_target=metric.log_target, depth=5)}


names = {"error_ratio_to_constant": "error / constant's", "r2": "R²", "spearman": "Spearman", "coverage_90": "coverage"}
rows, chosen, judged = [], {}, {}
for question, (data, split) in asked.items():
    judged[question] = judge(data, makers(data.metric), split=split, repeats=1)
    (chosen[question],) = choose(judged[question].scores).values()
    for line in judged[question].scores:
        scores = {label: text(line.scores[name]) for name, label in names.items()}
        rows.append({"question": question, "surrogate": line.surrogate, **scores})
display(pd.DataFrame(rows).set_index(["question", "surrogate"]))
display(Markdown("Chosen: " + "; ".join(f"**{name}** for {question}" for question, name in chosen.items()) + "."))
assert chosen["a new model"] == "constant" != chosen["new choices for a known model"]

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 2), sharey=True, layout="constrained")
for axis, (question, found) in zip(axes, judged.items(), strict=True):
    for place, line in enumerate(found.scores[1:]):
        ratio = line.scores["error_ratio_to_constant"]
        axis.plot([ratio.low, ratio.high], [place, place], color="tab:blue")
        axis.plot(ratio.value, place, "o", color="tab:blue")
    axis.axvline(1, color="gray", linestyle=":")
    axis.set(
        title=question, yticks=range(3), yticklabels=[line.surrogate for line in found.scores[1:]], ylim=(2.5, -0.5)
    )
axes[1].set_xlabel("error over the constant's, with 95 % interval")
plt.show()

# %% [markdown]
# For a known model the loss is predicted well. For a new one nothing is surely better than the constant: its level
# is its own, and rank and learning rate move it little. So the constant is kept, with an interval as wide as models
# differ. The duration of a new model's fine-tune is learnt in part: in this table it goes with rank and learning rate.
#
# ## The interval that goes with the question
# The same prediction has two intervals: one for a model that was seen, one for a model that was not.

# %%
parts = []
for question, (data, _) in asked.items():
    model = makers(data.metric)[chosen[question]](None).fit(data.features, data.target, data.groups)
    half_width = judged[question].calibrations[chosen[question]].half_width(0.9)
    first = model.posterior(data.features.rows(slice(1)))
    found = Prediction.of([data.metric], [first], np.zeros(1, dtype=bool), [half_width])
    parts.append({"question": question, "mean": found.mean[0, 0], "low": found.low[0, 0], "high": found.high[0, 0]})
display(pd.DataFrame(parts).set_index("question").round(3))
