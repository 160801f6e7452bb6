"""What a predictor says of a configuration, as plain values of a run's records."""

from typing import Any


def estimates(row: Any, metrics: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Returns, for each metric, the predicted value and its 90 % interval, from one row of ``Predictor.predict``."""
    return {
        name: {"value": float(row[name]), "low": float(row[f"{name}_low"]), "high": float(row[f"{name}_high"])}
        for name in metrics
    }
