"""Who takes part in a comparison: every searcher, and the joint search with each of its parts left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, final

from perfmodel.errors import UnknownNameError
from search.searchers import SEARCHERS


@final
@dataclass(frozen=True)
class Contender:
    """A searcher with its options.

    Args:
        name: in the comparison.
        searcher: a key of ``SEARCHERS``.
        options: of that searcher.
    """

    name: str
    searcher: str
    options: Mapping[str, int] = field(default_factory=dict)


JOINT_PARTS: Final = ("warm_start", "sensitivities", "known_memory", "low_fidelity", "trust_region", "batch")

ABLATIONS: Final[Mapping[str, Contender]] = MappingProxyType(
    {
        contender.name: contender
        for contender in (
            Contender(f"joint_without_{part}", "joint", MappingProxyType({f"with_{part}": 0})) for part in JOINT_PARTS
        )
    }
)


VARIANTS: Final[Mapping[str, Contender]] = MappingProxyType(
    {
        # At its usual 100, a search of up to 100 evaluations would be its first draws alone.
        "nsga2_20": Contender("nsga2_20", "nsga2", MappingProxyType({"population": 20})),
        **ABLATIONS,
    }
)


def contender(name: str) -> Contender:
    """Returns the contender of that name.

    Raises:
        UnknownNameError: when it is neither a searcher nor a variant of one.
    """
    if name in VARIANTS:
        return VARIANTS[name]
    if name not in SEARCHERS:
        raise UnknownNameError(
            f"searcher {name!r} is unknown", f"known are {', '.join((*SEARCHERS, *VARIANTS))}", "use one of these"
        )
    return Contender(name, name)
