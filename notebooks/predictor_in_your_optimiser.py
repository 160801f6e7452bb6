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
# # The predictor in your own optimiser
#
# A predictor answers in microseconds, so any optimiser can search on it. Here pymoo, Optuna and BoTorch minimise the
# same predicted held-out loss within the same budget of memory. What they find is a prediction until it has been
# fine-tuned.

# %%
import warnings
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.optimize import minimize

from datasets_cache.shelf.shelf import load_shelf, newest_shelf
from datasets_cache.shelf.verify import known_architectures
from perfmodel.predictor.predictor import Predictor
from perfmodel.predictor.pymoo_problem import pymoo_problem
from perfmodel.space.exports import from_indices, to_optuna
from perfmodel.space.sampling import stratified
from perfmodel.space.space import Space

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # tqdm misses its widgets, BoTorch uses what torch will drop
    import optuna
    import torch
    from botorch.acquisition.analytic import UpperConfidenceBound
    from botorch.optim.optimize import optimize_acqf_discrete

    from perfmodel.predictor.botorch_model import PredictorModel

optuna.logging.set_verbosity(optuna.logging.ERROR)
shelf = load_shelf(newest_shelf())
task = Counter(trace.asked.setting.task for trace in shelf.traces).most_common(1)[0][0]
traces = [trace for trace in shelf.traces if trace.asked.setting.task == task]
architecture = known_architectures()[traces[0].asked.setting.model]
space = Space.for_architecture(architecture)
metrics = ["held_out_loss", "peak_memory_bytes"]
predictor = Predictor.fit(traces, space, architecture, metrics=metrics, surrogates=["additive"])

drawn = stratified(space, 400, seed=0)
table = predictor.predict(drawn)
budget = float(table["peak_memory_bytes"].quantile(0.25))
within = table[table["peak_memory_bytes"] <= budget]
found = {"400 random draws": within["held_out_loss"].min()}
display(Markdown(f"{task}: the budget is {budget / 1e6:.0f} MB, which a quarter of the draws meet."))

# %% [markdown]
# ## pymoo
# The problem has pymoo's form: integer variables, objectives to minimise, constraints that are met at 0 or below.
# It starts from some of the stratified draws.

# %%
problem = pymoo_problem(predictor, metrics, budget={"peak_memory_bytes": budget})
operators = {"prob": 1.0, "eta": 3.0, "vtype": float, "repair": RoundingRepair()}
algorithm = NSGA2(pop_size=40, sampling=space.encode(drawn[:40]), crossover=SBX(**operators), mutation=PM(**operators))
result = minimize(problem, algorithm, ("n_gen", 60), seed=1)
front = space.decode(result.X)
found["pymoo, NSGA-II"] = result.F[:, 0].min()
display(Markdown(f"A front of {len(front)} configurations after {result.algorithm.evaluator.n_eval} predictions."))

# %% [markdown]
# ## Optuna
# Optuna gets the space as distributions of indices; each proposal is decoded to a configuration and predicted.


# %%
def objective(trial):
    """Returns the predicted loss, pushed up by what breaks the budget."""
    indices = {name: trial.suggest_int(name, each.low, each.high) for name, each in to_optuna(space).items()}
    row = predictor.predict([from_indices(space, indices)]).iloc[0]
    return row["held_out_loss"] * (1 + 10 * max(0.0, row["peak_memory_bytes"] / budget - 1))


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, multivariate=False))
for configuration in sorted(drawn, key=lambda each: np.mean(each.bits))[:: len(drawn) // 10]:
    vector = space.encode([configuration])[0]
    study.enqueue_trial(dict(zip(to_optuna(space), vector.tolist(), strict=True)))
study.optimize(objective, n_trials=20)
best = predictor.predict([from_indices(space, study.best_params)]).iloc[0]
if best["peak_memory_bytes"] <= budget:
    found["Optuna, TPE, 20 trials"] = best["held_out_loss"]

# %% [markdown]
# ## BoTorch
# The predictor serves as a BoTorch model with its own standard deviation. BoTorch maximises, so losses are negated.
# Index vectors have no gradients, so BoTorch chooses among candidates, here by a confidence bound.

# %%
feasible = [drawn[row] for row in np.flatnonzero(table["peak_memory_bytes"] <= budget)]
candidates = torch.as_tensor(space.encode(feasible + front), dtype=torch.float64)
acquisition = UpperConfidenceBound(PredictorModel(predictor, ["held_out_loss"]), beta=1.0)
chosen, _ = optimize_acqf_discrete(acquisition, 1, candidates)
proposed = predictor.predict(space.decode(chosen.numpy().astype(int)))
found["BoTorch, among draws and pymoo's front"] = proposed["held_out_loss"].iloc[0]

# %% [markdown]
# ## Side by side
# Lowest predicted loss within the budget. Predicted, not measured: `bench validate` fine-tunes what a search proposes.

# %%
display(pd.DataFrame({"predicted held-out loss": found}).sort_values("predicted held-out loss").round(3))

figure, axes = plt.subplots(figsize=(6.5, 3.5), layout="constrained")
axes.scatter(table["peak_memory_bytes"] / 2**20, table["held_out_loss"], s=6, color="0.7", label="400 random draws")
axes.scatter(result.F[:, 1] / 2**20, result.F[:, 0], s=14, label="front of pymoo's NSGA-II")
axes.axvline(budget / 2**20, color="black", linewidth=0.8, label="budget")
axes.set(xlabel="predicted peak of training memory (MiB)", ylabel="predicted held-out loss (nats)")
axes.legend(fontsize=8)
plt.show()
