"""Names of the columns that describe a configuration to a learned model.

    U   units: layers, or the linear modules of all layers
    e   relative quantisation error ||W - Q(W)|| / ||W|| of a storage width

With some tens of traces a model cannot learn 2 U free columns. So there are summary columns of what is known to matter:
errors rather than bits, log2(1 + rank), and bytes in closed form.
"""

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import WIDTHS, Methods

THIRDS = ("first", "middle", "last")

BYTE_COLUMNS = ("state_weight_bytes", "state_adapter_bytes", "state_training_bytes", "state_total_bytes")
"""Closed-form bytes of weights; adapters; gradients with optimiser; and all three."""

STEP_0_LOSS_COLUMN = "log_step_0_loss"
"""Logarithm of the loss before fine-tuning. No choice tells it: ``perfmodel.evaluation.step_0_losses`` adds it where it
is known."""

PEAK_COLUMN = "closed_form_peak_bytes"
"""The closed form of the peak, for the batch that peaks. No choice tells that batch:
``perfmodel.surrogates.closed_form`` adds the column where it is known."""

SUMMARY_COLUMNS: tuple[str, ...] = (
    "pruning_rate",
    "mean_bits",
    *(f"share_bits_{bits}" for bits in reversed(WIDTHS)),
    "mean_log2_error",
    *(f"mean_log2_error_{third}" for third in THIRDS),
    "mean_squared_error",
    *(f"mean_squared_error_{third}" for third in THIRDS),
    "mean_rank",
    "mean_log2_rank",
    "share_rank_0",
    "active_share",
    "active_adapted_share",
    "active_kept_share",
    "active_scarcity",
    *BYTE_COLUMNS,
)

_WIDEST = max(WIDTHS)


def relative_error(bits: NDArray[np.int64], methods: Methods) -> NDArray[np.float64]:
    """Returns e of each width in the format that the methods store it in, same shape as ``bits``.

    Raises:
        InvalidConfigurationError: when a width is unknown.
    """
    known = np.isin(bits, WIDTHS)
    if not np.all(known):
        raise InvalidConfigurationError(
            f"bits holds {int(np.asarray(bits)[~known][0])}",
            f"allowed are {', '.join(map(str, reversed(WIDTHS)))}",
            "choose one of these widths",
        )
    errors = np.full(_WIDEST + 1, np.nan)
    errors[list(WIDTHS)] = [FORMATS[methods.format_of(width)].relative_error for width in WIDTHS]
    return errors[bits]


def unit_columns(units: int) -> tuple[str, ...]:
    """Returns the names of the raw columns: ``bits_<i>`` of every unit, then ``rank_<i>``."""
    return (*(f"bits_{index}" for index in range(units)), *(f"rank_{index}" for index in range(units)))
