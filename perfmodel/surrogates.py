"""The surrogates by name: an extension is one file and one line here."""

from perfmodel.additive import AdditiveSurrogate
from perfmodel.boosted import BoostedSurrogate
from perfmodel.constant import ConstantSurrogate
from perfmodel.errors import UnknownNameError
from perfmodel.features import BYTE_COLUMNS
from perfmodel.metrics import metric as metric_named
from perfmodel.surrogate import AbstractSurrogate

SURROGATES: dict[str, type[AbstractSurrogate]] = {
    "constant": ConstantSurrogate,
    "additive": AdditiveSurrogate,
    "boosted": BoostedSurrogate,
}

RISING: dict[str, tuple[str, ...]] = {
    "peak_memory_bytes": BYTE_COLUMNS,
    "weight_bytes": ("state_weight_bytes",),
    "adapter_bytes": ("state_adapter_bytes",),
    "optimizer_bytes": ("state_training_bytes",),
}
"""Columns in which a metric cannot fall: what is resident is part of the peak."""


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
    return surrogate_class(name)(log_target=log_target, rising=RISING.get(metric, ()), seed=seed)
