"""What stays on disk of a trial once it has ended."""

from typing import Literal

Keep = Literal["nothing", "adapter", "checkpoint"]
"""Nothing; its adapters, for export; or all that is needed to go on with it."""
