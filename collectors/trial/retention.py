"""What stays on disk of a trial once it has ended.

This module stands alone so that reading a suite, which names a retention, does not import torch.
"""

from typing import Literal

Retention = Literal["nothing", "adapter", "checkpoint"]
"""Nothing; the trained adapters, for export; or adapters and optimiser state, from which training can go on."""
