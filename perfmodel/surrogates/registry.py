"""The surrogates by name: an extension is one file and one line here."""

from perfmodel.errors import unknown_name
from perfmodel.features.monotone import FREE, SLOPES
from perfmodel.space.metrics import metric as metric_named
from perfmodel.surrogates.additive import AdditiveSurrogate
from perfmodel.surrogates.boosted import BoostedSurrogate
from perfmodel.surrogates.closed_form import ClosedFormSurrogate
from perfmodel.surrogates.constant import ConstantSurrogate
from perfmodel.surrogates.contract import AbstractSurrogate
from perfmodel.surrogates.damage import DamageSurrogate
from perfmodel.surrogates.gaussian_process import GaussianProcessSurrogate
from perfmodel.surrogates.stack import StackSurrogate

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


OF_ONE_METRIC: dict[str, type[AbstractSurrogate]] = {"closed_form": ClosedFormSurrogate}
"""Those that know what one metric is: a predictor takes them up itself, and nobody asks for them by name."""


def surrogate_class(name: str) -> type[AbstractSurrogate]:
    """Returns the surrogate of that name.

    Raises:
        UnknownNameError: when there is none.
    """
    known = SURROGATES | OF_ONE_METRIC
    if name not in known:
        raise unknown_name("surrogate", name, SURROGATES)
    return known[name]


def make_surrogate(name: str, metric: str, *, seed: int = 0) -> AbstractSurrogate:
    """Returns an unfitted surrogate for a metric.

    Raises:
        UnknownNameError: when the surrogate or the metric does not exist.
    """
    log_target = metric_named(metric).log_target
    return surrogate_class(name)(log_target=log_target, slopes=SLOPES.get(metric, FREE), seed=seed)
