"""A predictor in pymoo and in BoTorch gives what it predicts, in the direction that each of them takes."""

import numpy as np
import pytest
from first_traces import first_traces

from perfmodel.errors import InfeasibleBudgetError, UnknownNameError
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.predictor import Predictor
from perfmodel.predictor.pymoo_problem import pymoo_problem
from perfmodel.space.exports import from_indices, names, to_botorch, to_optuna
from perfmodel.space.space import Space

METRICS = ("held_out_loss", "accuracy", "peak_memory_bytes")


@pytest.fixture(scope="module")
def predictor(smollm2_config):
    """Fitted to the real traces of one task."""
    architecture = Architecture.from_config(smollm2_config)
    traces = first_traces(87, "chain_sum")
    space = Space.for_architecture(architecture)
    return Predictor.fit(traces, space, architecture, metrics=METRICS, surrogates=["additive"])


@pytest.fixture(scope="module")
def vectors(predictor):
    rng = np.random.default_rng(0)
    cardinalities = predictor.record.space.cardinalities
    return rng.integers(cardinalities, size=(12, len(cardinalities)))


def test_pymoo_sees_losses_budget_and_the_need_of_an_adapter(predictor, vectors):
    bare = vectors.copy()
    bare[0, 31:] = 0
    means = predictor.predict_mean(bare)
    problem = pymoo_problem(predictor, ["held_out_loss", "accuracy"], {"peak_memory_bytes": 3e8, "accuracy": 0.1})
    losses, constraints = problem.evaluate(bare.astype(float), return_values_of=["F", "G"])
    np.testing.assert_allclose(losses, np.column_stack((means[:, 0], -means[:, 1])))
    np.testing.assert_allclose(constraints[:, 0], means[:, 2] / 3e8 - 1)
    np.testing.assert_allclose(constraints[:, 1], 1 - means[:, 1] / 0.1)
    assert constraints[:, 2].tolist() == [1.0, *[0.0] * 11]
    assert (problem.n_var, problem.xl.max(), problem.xu.tolist()) == (
        61,
        0,
        (predictor.record.space.cardinalities - 1).tolist(),
    )


def test_what_is_not_predicted_and_limits_of_nothing_are_refused(predictor):
    with pytest.raises(UnknownNameError, match="step_time_s"):
        pymoo_problem(predictor, ["step_time_s", "accuracy"])
    with pytest.raises(InfeasibleBudgetError):
        pymoo_problem(predictor, ["held_out_loss"], {"peak_memory_bytes": 0.0})


def test_pymoo_minimises_it(predictor):
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    problem = pymoo_problem(predictor, ["held_out_loss", "peak_memory_bytes"])
    algorithm = NSGA2(pop_size=20, sampling=IntegerRandomSampling(), repair=RoundingRepair())
    result = minimize(problem, algorithm, ("n_gen", 8), seed=1)
    drawn = np.random.default_rng(0).integers(predictor.record.space.cardinalities, size=(160, 61))
    random = predictor.predict_mean(drawn)[:, 2]
    assert result.F[:, 1].min() < np.quantile(random, 0.05)
    assert len(predictor.record.space.decode(result.X)) == len(result.F) > 1


def test_botorch_sees_negated_losses_and_their_spread(predictor, vectors):
    import torch

    from perfmodel.predictor.botorch_model import PredictorModel

    model = PredictorModel(predictor, ["held_out_loss", "accuracy"])
    points = torch.as_tensor(vectors, dtype=torch.float64).reshape(4, 3, -1)
    posterior = model.posterior(points)
    table = predictor.predict_arrays(vectors)
    np.testing.assert_allclose(posterior.mean[..., 0].reshape(-1), -table.mean[:, 0])
    np.testing.assert_allclose(posterior.mean[..., 1].reshape(-1), table.mean[:, 1])
    np.testing.assert_allclose(posterior.variance[..., 0].reshape(-1), table.std[:, 0] ** 2)
    assert posterior.rsample(torch.Size([5])).shape == (5, 4, 3, 2)
    alone = model.posterior(points, output_indices=[1])
    np.testing.assert_allclose(alone.mean.reshape(-1), table.mean[:, 1])
    assert (model.num_outputs, model.batch_shape) == (2, torch.Size())
    with pytest.raises(UnknownNameError, match="energy_j"):
        PredictorModel(predictor, ["energy_j"])


def test_botorch_proposes_with_it(predictor, vectors):
    import torch
    from botorch.acquisition.analytic import PosteriorMean
    from botorch.optim.optimize import optimize_acqf_discrete

    from perfmodel.predictor.botorch_model import PredictorModel

    candidates = torch.as_tensor(vectors, dtype=torch.float64)
    best, _ = optimize_acqf_discrete(PosteriorMean(PredictorModel(predictor, ["held_out_loss"])), 1, candidates)
    losses = predictor.predict_mean(vectors)[:, 0]
    np.testing.assert_array_equal(best[0].numpy(), vectors[np.argmin(losses)])
    assert (candidates <= to_botorch(predictor.record.space)[1]).all()


def test_optuna_proposes_what_the_predictor_predicts(predictor):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = predictor.record.space
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(3):
        trial = study.ask(to_optuna(space))
        study.tell(trial, predictor.predict([from_indices(space, trial.params)])["held_out_loss"].iloc[0])
    row = np.array([[study.best_params[name] for name in names(space)]])
    assert study.best_value == pytest.approx(predictor.predict_mean(row)[0, 0])
