"""The surrogates by name: an extension is one file and one line here."""

from perfmodel.errors import UnknownNameError, unknown_name
from perfmodel.features.monotone import FREE, known_slopes
from perfmodel.space.metrics import Metric
from perfmodel.space.metrics import metric as metric_named
from perfmodel.surrogates.additive import AdditiveSurrogate
from perfmodel.surrogates.boosted import BoostedSurrogate
from perfmodel.surrogates.closed_form import ClosedFormSurrogate
from perfmodel.surrogates.constant import ConstantSurrogate
from perfmodel.surrogates.contract import AbstractSurrogate
from perfmodel.surrogates.damage import DamageSurrogate
from perfmodel.surrogates.gaussian_process import GaussianProcessSurrogate

SURROGATES: dict[str, type[AbstractSurrogate]] = {
    "constant": ConstantSurrogate,
    "additive": AdditiveSurrogate,
    "damage": DamageSurrogate,
    "boosted": BoostedSurrogate,
    "gaussian_process": GaussianProcessSurrogate,
}

OF_ONE_METRIC: dict[str, type[AbstractSurrogate]] = {"closed_form": ClosedFormSurrogate}
"""Those made for one metric: a predictor takes them up itself, and nobody asks for them by name."""

NOT_MONOTONE = ("gaussian_process",)
"""Those whose predictions may rise where the metric is known to fall."""

REMOVED = ("stack",)
"""Names in predictors of earlier versions that can no longer be loaded."""


def candidates(metric: str | Metric) -> tuple[str, ...]:
    """Returns the names from which a predictor chooses for a metric unless it is told others.

    Args:
        metric: name of the metric, one of ``perfmodel.space.metrics.METRICS``, or one that the caller declares.
    """
    free = known_slopes(metric) is FREE
    return tuple(name for name in SURROGATES if free or name not in NOT_MONOTONE)


def surrogate_class(name: str) -> type[AbstractSurrogate]:
    """Returns the surrogate of that name.

    Args:
        name: one of ``SURROGATES`` or ``OF_ONE_METRIC``.

    Raises:
        UnknownNameError: when there is none.
    """
    known = SURROGATES | OF_ONE_METRIC
    if name not in known:
        if name in REMOVED:
            raise UnknownNameError(
                f"surrogate {name!r} was removed", f"surrogates are {', '.join(SURROGATES)}", "fit the predictor again"
            )
        raise unknown_name("surrogate", name, SURROGATES)
    return known[name]


def make_surrogate(name: str, metric: str | Metric, *, seed: int = 0) -> AbstractSurrogate:
    """Returns an unfitted surrogate for a metric, which knows in what the metric rises and falls.

    Args:
        name: of the surrogate, as ``surrogate_class`` takes it.
        metric: name of the metric, one of ``perfmodel.space.metrics.METRICS``, or one that the caller declares.
        seed: of every random choice, 0 or more.

    Raises:
        UnknownNameError: when the surrogate or the metric does not exist.
    """
    log_target = metric_named(metric).log_target
    return surrogate_class(name)(log_target=log_target, monotone=known_slopes(metric), seed=seed)
