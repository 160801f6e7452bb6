"""One Gaussian process over index vectors and the expected improvement of candidates, by scikit-learn.

Notation:
    n: results fitted to.
    q: columns of the inputs.
    c: candidates.

Source: expected improvement, Mockus 1975; Jones, Schonlau, Welch 1998, equation 15.
"""

import warnings
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kernel = Literal["rbf", "matern52"]

_NOISE: Final = (1e-6, 1.0)
_LENGTHS: Final = (1e-1, 1e3)


@final
class Process:
    """A Gaussian process with one length scale and noise, both by maximum likelihood.

    Args:
        kernel: squared exponential, or Matérn with smoothness 5/2.
        inputs: shape ``(n, q)``, each column in [0, 1].
        values: to be minimised, finite, shape ``(n,)``.
    """

    def __init__(self, kernel: Kernel, inputs: Floats, values: Floats) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

        length = float(np.sqrt(inputs.shape[1]))
        shape: Any = RBF(length, _LENGTHS) if kernel == "rbf" else Matern(length, _LENGTHS, nu=2.5)
        self._centre, deviation = float(values.mean()), float(values.std())
        self._scale = deviation if deviation > 1e-12 * max(1.0, abs(self._centre)) else 1.0
        targets = (values - self._centre) / self._scale
        with warnings.catch_warnings():
            # A bound that is reached, or a search cut short, leaves a usable process.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model = GaussianProcessRegressor(
                ConstantKernel(1.0, (1e-2, 1e2)) * shape + WhiteKernel(1e-2, _NOISE), alpha=1e-8
            ).fit(inputs, targets)

    def predict(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Returns mean and standard deviation of the value without noise, each of shape ``(c,)``."""
        mean, deviation = self._model.predict(inputs, return_std=True)
        noise = float(self._model.kernel_.k2.noise_level)
        latent = np.sqrt(np.maximum(deviation**2 - noise, 1e-12))
        return self._centre + self._scale * mean, self._scale * latent

    def improvement(self, inputs: Floats, best: float) -> Floats:
        """Returns the expected improvement on ``best``, shape ``(c,)``."""
        from scipy.stats import norm

        mean, deviation = self.predict(inputs)
        z = (best - mean) / deviation
        return np.asarray(deviation * (z * norm.cdf(z) + norm.pdf(z)))


def unit_scaled(vectors: NDArray[np.int64], cardinalities: NDArray[np.int64]) -> Floats:
    """Returns index vectors with each dimension in [0, 1], shape ``(n, d)``."""
    return np.asarray(vectors / np.maximum(cardinalities - 1, 1))
