"""Gaussian processes over index vectors and the acquisition value of candidates, by BoTorch.

Notation:
    n: evaluations fitted to.
    d: dimensions of the space.
    t: targets, one process each.
    m: objectives, the first ``m`` of the targets.
    c: candidates scored.

All tensors are float64 on the CPU; vectors are scaled to [0, 1] per dimension.

Source: qLogNEHVI, Ament et al. 2023, after Daulton, Balandat, Bakshy 2021; dimension-scaled priors, Hvarfner,
Hellsten, Nardi 2024 (BoTorch's defaults).
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.files.optional import needs_extra
from search.models.targets import Targets

if TYPE_CHECKING:
    from botorch.models.model_list_gp_regression import ModelListGP

Floats = NDArray[np.float64]
Value = Callable[[Floats], Floats]

# At n = 200, d = 61: rank correlation 0.994 after 50 iterations in 1 s, the same to convergence in 18 s.
_ITERATIONS: Final = 50
_SAMPLES: Final = 32
_CHUNK: Final = 256


def fit_processes(
    inputs: Floats, values: Floats, starts: list[dict[str, Any]]
) -> tuple["ModelListGP", list[dict[str, Any]]]:
    """Returns one fitted process a target, and the hyperparameters to start the next fit from.

    Args:
        inputs: shape ``(n, d)`` in [0, 1].
        values: shape ``(n, t)``, standardised.
        starts: what an earlier fit returned, empty for none; used for as many targets as it has.

    Raises:
        MissingExtraError: when BoTorch is not installed.
    """
    with needs_extra("search"), _quiet():
        import torch
        from botorch.models.gp_regression import SingleTaskGP
        from botorch.models.model_list_gp_regression import ModelListGP
        from botorch.optim.fit import fit_gpytorch_mll_scipy
        from gpytorch.mlls import ExactMarginalLogLikelihood

        train = torch.as_tensor(inputs, dtype=torch.float64)
        models = []
        for target in range(values.shape[1]):
            column = torch.as_tensor(values[:, [target]], dtype=torch.float64)
            model = SingleTaskGP(train, column, outcome_transform=None)
            if target < len(starts):
                model.load_state_dict(starts[target])
            fit_gpytorch_mll_scipy(
                ExactMarginalLogLikelihood(model.likelihood, model), options={"maxiter": _ITERATIONS}
            )
            models.append(model.eval())
        return ModelListGP(*models), [model.state_dict() for model in models]


def acquisition(model: "ModelListGP", targets: Targets, baseline: Floats, pending: Floats, seed: int) -> Value:
    """Returns a function from candidates ``(c, d)`` in [0, 1] to the log of their expected gain, shape ``(c,)``.

    The gain is of hypervolume within the budget, over the baseline and the pending points.

    Args:
        model: fitted to ``t`` targets.
        targets: with the reference point, and whether the last target is a constraint.
        baseline: evaluated points of the front, shape ``(any, d)``; time grows faster than their number.
        pending: points already chosen for the same batch, shape ``(any, d)``.
        seed: of the quasi-random samples of the posterior.
    """
    with _quiet(), _no_compiler():
        import torch
        from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
        from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
        from botorch.sampling.normal import SobolQMCNormalSampler

        m = len(targets.reference)
        gain = qLogNoisyExpectedHypervolumeImprovement(
            model,
            ref_point=targets.reference.tolist(),
            X_baseline=torch.as_tensor(baseline, dtype=torch.float64),
            sampler=SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=seed),
            objective=IdentityMCMultiOutputObjective(outcomes=list(range(m))),
            constraints=[lambda samples: samples[..., m]] if targets.constrained else None,
            X_pending=torch.as_tensor(pending, dtype=torch.float64) if len(pending) else None,
            prune_baseline=False,
        )

    def score(candidates: Floats) -> Floats:
        rows = torch.as_tensor(candidates, dtype=torch.float64)[:, None, :]
        with torch.no_grad(), _quiet():
            return np.concatenate([gain(chunk).numpy() for chunk in torch.split(rows, _CHUNK)])

    return score


def posterior(model: "ModelListGP", target: int, inputs: Floats) -> tuple[Floats, Floats, float]:
    """Returns the mean ``(c,)`` and covariance ``(c, c)`` of one target's process, and the variance of its noise.

    Args:
        model: fitted to ``t`` targets.
        target: index of the target, 0 to ``t - 1``.
        inputs: shape ``(c, d)`` in [0, 1].
    """
    with _quiet():
        import torch

        process: Any = model.models[target]
        with torch.no_grad():
            joint = process(torch.as_tensor(inputs, dtype=torch.float64))
            noise = float(process.likelihood.noise.mean())
            return joint.mean.numpy(), joint.covariance_matrix.numpy(), noise


@contextmanager
def _no_compiler() -> Iterator[None]:
    """Has BoTorch work in PyTorch alone, as where no compiler is installed.

    The first acquisition value of a process would else have a C++ kernel built (over a minute on a busy core, without a
    word), and a build that was killed leaves a lock for which later processes wait for ever.
    """
    from botorch.acquisition.multi_objective import logei

    attempted = logei._load_attempted
    logei._load_attempted = True
    try:
        yield
    finally:
        logei._load_attempted = attempted


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences what BoTorch is known to say here.

    Deprecations inside its imports; a fit cut off after the iterations that we allow; jitter on the diagonal, its own
    cure for repeated points; that it is asked about points it was fitted to; a constraint column, whose 0 has a
    meaning, or a constant one, that is not standardised.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="`scipy_minimize` terminated")
        warnings.filterwarnings("ignore", message=r"A not p\.d\.")
        warnings.filterwarnings("ignore", message="The input matches the stored training data")
        warnings.filterwarnings("ignore", message=r"Data \(outcome observations\) is not standardized")
        yield
