"""The measured columns: unit, direction and range of each, in one table.

Objectives are minimised everywhere inside the project; ``Metric.to_loss`` is the one place where a direction is
turned round.
"""

from dataclasses import dataclass

from perfmodel.errors import unknown_name


@dataclass(frozen=True)
class Metric:
    """One measured column, of traces or of a table that is not ours.

    Args:
        name: the column's name, with its unit.
        label: what a figure's axis says.
        unit: the unit as it is printed.
        minimize: whether a smaller value is better.
        log_target: whether surrogates model its logarithm: positive, spread over decades and made of factors. Bytes are
            sums of terms and are modelled as they are.
        lower: smallest physical value, in the unit.
        upper: largest physical value, in the unit; ``inf`` where there is none.
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


LOSS = "held_out_loss"
ACCURACY = "accuracy"
PEAK = "peak_memory_bytes"
WEIGHTS = "weight_bytes"
ADAPTERS = "adapter_bytes"
OPTIMIZER = "optimizer_bytes"
STEP_TIME = "step_time_s"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(LOSS, "Held-out loss", "nats per answer token", minimize=True, log_target=True),
        Metric(ACCURACY, "Accuracy (exact match)", "share", minimize=False, log_target=False, upper=1.0),
        Metric(PEAK, "Peak training memory", "bytes", minimize=True, log_target=False),
        Metric(WEIGHTS, "Resident weights", "bytes", minimize=True, log_target=False),
        Metric(ADAPTERS, "Adapters", "bytes", minimize=True, log_target=False),
        Metric(OPTIMIZER, "Optimiser state", "bytes", minimize=True, log_target=False),
        Metric(STEP_TIME, "Step time (median)", "s", minimize=True, log_target=True),
    )
}


def metric(name: str | Metric) -> Metric:
    """Returns the metric of that name; one that a caller declares stands for itself.

    Args:
        name: one of ``METRICS``, or a metric of a table that is not ours.

    Raises:
        UnknownNameError: when there is none.
    """
    if isinstance(name, Metric):
        return name
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    return METRICS[name]
