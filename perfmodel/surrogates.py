"""The surrogates by name: an extension is one file and one line here."""

from perfmodel.additive import AdditiveSurrogate
from perfmodel.boosted import BoostedSurrogate
from perfmodel.constant import ConstantSurrogate
from perfmodel.damage import DamageSurrogate
from perfmodel.errors import UnknownNameError
from perfmodel.gaussian_process import GaussianProcessSurrogate
from perfmodel.metrics import metric as metric_named
from perfmodel.slopes import FREE, SLOPES
from perfmodel.stack import StackSurrogate
from perfmodel.surrogate import AbstractSurrogate

SURROGATES: dict[str, type[AbstractSurrogate]] = {
    "constant": ConstantSurrogate,
    "additive": AdditiveSurrogate,
    "damage": DamageSurrogate,
    "boosted": BoostedSurrogate,
    "gaussian_process": GaussianProcessSurrogate,
    "stack": StackSurrogate,
}
CANDIDATES = ("constant", "additive", "damage", "boosted", "gaussian_process")
"""Those from which a predictor chooses unless it is told others: a stack costs five times all of them together."""


def surrogate_class(name: str) -> type[AbstractSurrogate]:
    """Returns the surrogate of that name.

    Raises:
        UnknownNameError: when there is none.
    """
    if name not in SURROGATES:
        raise UnknownNameError(
            f"surrogate {name!r} is unknown", f"surrogates are {', '.join(SURROGATES)}", "use one of these names"
        )
    return SURROGATES[name]


def make_surrogate(name: str, metric: str, *, seed: int = 0) -> AbstractSurrogate:
    """Returns an unfitted surrogate for a metric.

    Raises:
        UnknownNameError: when the surrogate or the metric does not exist.
    """
    log_target = metric_named(metric).log_target
    return surrogate_class(name)(log_target=log_target, slopes=SLOPES.get(metric, FREE), seed=seed)
