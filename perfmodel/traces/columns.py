"""The columns of a stored trace, their types, and how rows of older versions become rows of this one.

version 1   as first published
version 2   pruning_scope, curve_accuracies, kv_groups, channels, peak_reserved_bytes, resumed_from_step
version 3   evaluation_peak_bytes, left_out
"""

from collections.abc import Mapping
from typing import Any, Literal

TRACE_VERSION = 3

Kind = Literal["text", "whole", "real", "wholes", "reals"]

COLUMNS: dict[str, Kind] = {
    "key": "text",
    "model": "text",
    "model_sha256": "text",
    "task": "text",
    "task_sha256": "text",
    "recipe": "text",
    "device_class": "text",
    "setting": "text",
    "configuration": "text",
    "pruning_rate": "real",
    "bits": "wholes",
    "ranks": "wholes",
    "seed": "whole",
    "source": "text",
    "pruning_method": "text",
    "pruning_scope": "text",
    "quantizers": "text",
    "initializer": "text",
    "adapter": "text",
    "status": "text",
    "reason": "text",
    "held_out_loss": "real",
    "accuracy": "real",
    "accuracy_examples": "whole",
    "curve_steps": "wholes",
    "curve_losses": "reals",
    "curve_accuracies": "reals",
    "kv_groups": "wholes",
    "channels": "wholes",
    "peak_memory_bytes": "whole",
    "peak_reserved_bytes": "whole",
    "evaluation_peak_bytes": "whole",
    "weight_bytes": "whole",
    "adapter_bytes": "whole",
    "adapter_parameters": "whole",
    "optimizer_bytes": "whole",
    "largest_batch_tokens": "whole",
    "largest_batch_answer_tokens": "whole",
    "left_out": "wholes",
    "step_time_s": "real",
    "step_time_p95_s": "real",
    "prepare_time_s": "real",
    "eval_time_s": "real",
    "tokens_per_s": "real",
    "energy_j": "real",
    "resumed_from_step": "whole",
    "device_name": "text",
    "driver": "text",
    "cores": "whole",
    "threads": "whole",
    "code_version": "text",
    "started_at": "text",
    "campaign": "text",
    "versions": "text",
}
"""Name and type of every column, in order; ``wholes`` and ``reals`` are lists."""

LISTS = tuple(name for name, kind in COLUMNS.items() if kind in ("wholes", "reals"))

ADDED: dict[int, dict[str, Any]] = {
    2: {
        "pruning_scope": "per_layer",
        "curve_accuracies": [],
        "kv_groups": [],
        "channels": [],
        "peak_reserved_bytes": None,
        "resumed_from_step": None,
    },
    3: {"evaluation_peak_bytes": None, "left_out": []},
}
"""By version: the columns it added, and what older rows say there: what held then, or that it was not measured."""


def upgraded(row: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Returns a row of this version.

    Args:
        row: as a file of ``version`` holds it.
        version: from 1 to ``TRACE_VERSION``.
    """
    new = dict(row)
    for later in range(version + 1, TRACE_VERSION + 1):
        new.update(ADDED[later])
    return new


def columns_of(version: int) -> tuple[str, ...]:
    """Returns the names of the columns that a file of that version holds, in order."""
    later = {name for added in range(version + 1, TRACE_VERSION + 1) for name in ADDED[added]}
    return tuple(name for name in COLUMNS if name not in later)
