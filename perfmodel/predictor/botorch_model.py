"""A fitted predictor as a BoTorch model, for BoTorch's own acquisition functions.

Notation:
    b: batch shape, any.
    q: points considered together.
    d: dimensions of the space, ``1 + 2 * units``.
    m: metrics.

Importing this module needs the extra ``search``; nothing else of ours imports it.
"""

import warnings
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from perfmodel.errors import UnknownNameError
from perfmodel.files.optional import needs_extra
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import metric as metric_named

with needs_extra("search"), warnings.catch_warnings():
    # Deprecations of torch inside BoTorch's imports.
    warnings.filterwarnings("ignore", message=r".*torch\.jit", category=DeprecationWarning)
    import torch
    from botorch.models.model import Model
    from botorch.posteriors.gpytorch import GPyTorchPosterior
    from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal
    from linear_operator.operators import DiagLinearOperator


@final
class PredictorModel(Model):
    """The predictor's means and standard deviations as normal outcomes, all to be maximised.

    Metrics to minimise are negated, as BoTorch maximises. Points are index vectors of the predictor's space
    (``perfmodel.space.exports.to_botorch`` gives their bounds), rounded to the nearest, so there are no gradients:
    optimise over lists of candidates (``optimize_acqf_discrete``). What is not known of one point is taken as
    independent of what is not known of another.

    Args:
        predictor: fitted, of one or more metrics.
        metrics: the outcomes in their order; all that it predicts when left out.

    Raises:
        UnknownNameError: when it does not predict one of them.
    """

    def __init__(self, predictor: Predictor, metrics: Sequence[str] | None = None) -> None:
        super().__init__()
        self.metrics = tuple(predictor.metrics if metrics is None else metrics)
        for name in self.metrics:
            if name not in predictor.metrics:
                raise UnknownNameError(
                    f"{name!r} is not predicted", f"predicted are {', '.join(predictor.metrics)}", "choose among these"
                )
        self._predictor = predictor
        self._columns = [predictor.metrics.index(name) for name in self.metrics]
        self._signs = np.array([-metric_named(name).to_loss(1.0) for name in self.metrics])

    @property
    def num_outputs(self) -> int:
        """Number ``m`` of outcomes."""
        return len(self.metrics)

    @property
    def batch_shape(self) -> torch.Size:
        """Empty: one model."""
        return torch.Size()

    def posterior(
        self,
        X: torch.Tensor,  # noqa: N803
        output_indices: list[int] | None = None,
        observation_noise: bool | torch.Tensor = False,  # noqa: FBT001, FBT002 - BoTorch's signature
        posterior_transform: Any = None,
    ) -> GPyTorchPosterior:
        """Returns normal outcomes of shape ``b x q x m``.

        Args:
            X: index vectors, shape ``b x q x d``.
            output_indices: of the outcomes wanted; all when left out.
            observation_noise: makes no difference: the standard deviation is always that of one new run.
            posterior_transform: applied to the result.

        Raises:
            ValueError: when an index does not belong to the space.
        """
        del observation_noise
        points = np.rint(X.detach().cpu().numpy().astype(np.float64)).astype(np.int64)
        prediction = self._predictor.predict_arrays(points.reshape(-1, points.shape[-1]))
        wanted = range(len(self.metrics)) if output_indices is None else output_indices
        normals = []
        for place in wanted:
            mean = self._signs[place] * prediction.mean[:, self._columns[place]]
            variance = prediction.std[:, self._columns[place]] ** 2
            normals.append(
                MultivariateNormal(
                    torch.as_tensor(mean, dtype=X.dtype, device=X.device).reshape(X.shape[:-1]),
                    DiagLinearOperator(torch.as_tensor(variance, dtype=X.dtype, device=X.device).reshape(X.shape[:-1])),
                )
            )
        joint = normals[0] if len(normals) == 1 else MultitaskMultivariateNormal.from_independent_mvns(normals)
        posterior = GPyTorchPosterior(joint)
        return posterior if posterior_transform is None else posterior_transform(posterior)
