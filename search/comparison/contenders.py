"""Who takes part in a comparison: every searcher, and searchers of several stages with each of them left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, final

from perfmodel.errors import unknown_name
from search.registry import SEARCHERS

Options = Mapping[str, int]

# More results than any comparison has: a stage that waits for them never begins, one that ends with them never ends.
_NEVER: Final = 1_000_000


@final
@dataclass(frozen=True)
class Contender:
    """A searcher with its options.

    Args:
        name: what it is called in the comparison.
        searcher: a key of ``SEARCHERS``.
        options: keyword arguments of that searcher.
        whole: the contender of which a stage is left out, None for one that is whole.
        stage: the name of the stage that is left out.
    """

    name: str
    searcher: str
    options: Options = field(default_factory=dict)
    whole: str | None = None
    stage: str | None = None


JOINT_PARTS: Final = ("prior", "warm_start", "known_memory", "low_fidelity", "batch")

# Wholes with other options than a searcher's own.
_SIZED: Final[Mapping[str, tuple[str, Options]]] = MappingProxyType(
    {
        # At its usual 100, searches of up to 100 evaluations would be its first draws alone.
        "nsga2_20": ("nsga2", {"population": 20}),
        "milp_fisher": ("milp", {"with_fisher": 1}),
        "milp_pairs": ("milp", {"with_pairs": 1}),
    }
)

STAGES: Final[Mapping[str, Mapping[str, Options]]] = MappingProxyType(
    {
        "joint": {part: {f"with_{part}": 0} for part in JOINT_PARTS},
        "automixq": {"models": {"initial": _NEVER}},
        "qpruner": {"information": {"with_information": 0}, "optimisation": {"initial": _NEVER}},
        "qr_adaptor": {
            "start": {"with_start": 0},
            "evolution": {"generations": 0},
            "optimisation": {"generations": _NEVER},
        },
        "autoqra": {
            "importance": {"with_importance": 0},
            "low_fidelity": {"with_low_fidelity": 0},
            "promotion": {"with_promotion": 0},
            "repair": {"with_repair": 0},
            "optimisation": {"rounds": 0},
        },
        "amq": {"freezing": {"with_freezing": 0}, "predictor": {"initial": _NEVER}},
        "apq": {"transfer": {"with_transfer": 0}},
    }
)
"""Options that leave a stage out, by contender and stage."""


def _variants() -> dict[str, Contender]:
    made = {name: Contender(name, searcher, options) for name, (searcher, options) in _SIZED.items()}
    for whole, stages in STAGES.items():
        searcher, options = _SIZED.get(whole, (whole, {}))
        for stage, without in stages.items():
            name = f"{whole}_without_{stage}"
            made[name] = Contender(name, searcher, {**options, **without}, whole, stage)
    return made


VARIANTS: Final[Mapping[str, Contender]] = MappingProxyType(_variants())


def contender(name: str) -> Contender:
    """Returns the contender of that name.

    Raises:
        UnknownNameError: when it is neither a searcher nor a variant of one.
    """
    if name in VARIANTS:
        return VARIANTS[name]
    if name not in SEARCHERS:
        raise unknown_name("searcher", name, (*SEARCHERS, *VARIANTS))
    return Contender(name, name)
