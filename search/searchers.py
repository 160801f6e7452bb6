"""The searchers by name: a new one is one file, one line here and one line in the conformance test."""

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from perfmodel.errors import UnknownNameError
from perfmodel.space import Space
from search.nsga2 import NSGA2
from search.qlognehvi import QLogNEHVI
from search.random_search import RandomSearch
from search.searcher import AbstractSearcher

SEARCHERS: Final[Mapping[str, type[AbstractSearcher]]] = MappingProxyType(
    {
        "random": RandomSearch,
        "nsga2": NSGA2,
        "qlognehvi": QLogNEHVI,
    }
)


def searcher(name: str, space: Space, objectives: int, seed: int, **options: int) -> AbstractSearcher:
    """Returns the searcher of that name.

    Args:
        name: a key of ``SEARCHERS``.
        space: the legal configurations.
        objectives: number of objectives.
        seed: of everything random in it.
        options: keyword arguments of that searcher alone, such as ``population`` or ``initial``.

    Raises:
        UnknownNameError: when there is no such searcher, or it has no such option.
    """
    if name not in SEARCHERS:
        raise UnknownNameError(
            f"searcher {name!r} is unknown", f"searchers are {', '.join(SEARCHERS)}", "use one of these names"
        )
    made = SEARCHERS[name]
    known = [key for key in inspect.signature(made).parameters if key not in ("space", "objectives", "seed")]
    for option in options:
        if option not in known:
            allowed = f"its options are {', '.join(known)}" if known else "it has no options"
            raise UnknownNameError(f"searcher {name!r} has no option {option!r}", allowed, "remove or rename it")
    return made(space, objectives, seed, **options)
