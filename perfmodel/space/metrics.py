"""The measured columns: unit, direction and range of each, in one table.

Objectives are minimised everywhere inside the project; ``Metric.to_loss`` is the one place where a direction
is turned round, and ``Metric.from_loss`` turns it back at the border.
"""

from dataclasses import dataclass

from perfmodel.errors import UnknownNameError


@dataclass(frozen=True)
class Metric:
    """One measured column of a trace.

    Args:
        name: the column's name in a trace, with its unit.
        label: what a figure's axis says.
        unit: unit as printed.
        minimize: whether smaller is better.
        log_target: whether surrogates model its logarithm: positive, spread over decades and made of factors. Bytes are
            sums of terms and are modelled as they are.
        lower: smallest physical value.
        upper: largest physical value, ``inf`` where there is none.
    """

    name: str
    label: str
    unit: str
    minimize: bool
    log_target: bool
    lower: float = 0.0
    upper: float = float("inf")

    def to_loss(self, value: float) -> float:
        """Returns the value as something to minimise."""
        return value if self.minimize else -value

    def from_loss(self, loss: float) -> float:
        """Returns the value whose ``to_loss`` is ``loss``."""
        return loss if self.minimize else -loss


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("held_out_loss", "Held-out loss", "nats per answer token", minimize=True, log_target=True),
        Metric("accuracy", "Accuracy (exact match)", "share", minimize=False, log_target=False, upper=1.0),
        Metric("peak_memory_bytes", "Peak training memory", "bytes", minimize=True, log_target=False),
        Metric("weight_bytes", "Resident weights", "bytes", minimize=True, log_target=False),
        Metric("adapter_bytes", "Adapters", "bytes", minimize=True, log_target=False),
        Metric("optimizer_bytes", "Optimiser state", "bytes", minimize=True, log_target=False),
        Metric("step_time_s", "Step time (median)", "s", minimize=True, log_target=True),
    )
}


def metric(name: str) -> Metric:
    """Returns the metric of that name.

    Raises:
        UnknownNameError: when there is none.
    """
    if name not in METRICS:
        raise UnknownNameError(
            f"metric {name!r} is unknown", f"metrics are {', '.join(METRICS)}", "use one of these names"
        )
    return METRICS[name]
