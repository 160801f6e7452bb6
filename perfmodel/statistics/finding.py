"""A finding as facts: what was found and its numbers; sentences are made from it elsewhere, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(frozen=True)
class Finding:
    """One thing that a record bears out.

    Args:
        kind: what was found, one of a few words that its maker lists.
        numbers: every number and name that a sentence about it needs, by name.
    """

    kind: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
