"""The searchers by name: a new one is one file, one line here and one line in the conformance test."""

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from perfmodel.errors import UnknownNameError, unknown_name
from perfmodel.space.space import Space
from search.contract.knowledge import NOTHING, Knowledge
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup
from search.general.nsga2 import NSGA2
from search.general.optuna_samplers import OptunaGP, OptunaNSGA2, OptunaTPE
from search.general.parego import ParEGO
from search.general.qlognehvi import QLogNEHVI
from search.general.random_search import RandomSearch
from search.general.uniform import UniformGrid
from search.joint.joint import Joint
from search.published.amq import AMQ
from search.published.apq import APQ
from search.published.automixq import AutoMixQ
from search.published.autoqra import AutoQRA
from search.published.hawq import HAWQ
from search.published.milp import MixedIntegerProgram
from search.published.qpruner import QPruner
from search.published.qr_adaptor import QRAdaptor
from search.published.sensitivity_greedy import SensitivityGreedy

SEARCHERS: Final[Mapping[str, type[AbstractSearcher]]] = MappingProxyType(
    {
        "uniform": UniformGrid,
        "random": RandomSearch,
        "sensitivity_greedy": SensitivityGreedy,
        "milp": MixedIntegerProgram,
        "hawq": HAWQ,
        "nsga2": NSGA2,
        "qlognehvi": QLogNEHVI,
        "parego": ParEGO,
        "automixq": AutoMixQ,
        "qpruner": QPruner,
        "qr_adaptor": QRAdaptor,
        "autoqra": AutoQRA,
        "amq": AMQ,
        "apq": APQ,
        "optuna_tpe": OptunaTPE,
        "optuna_nsga2": OptunaNSGA2,
        "optuna_gp": OptunaGP,
        "joint": Joint,
    }
)


def searcher(
    name: str, space: Space, objectives: int, seed: int, knowledge: Knowledge = NOTHING, **options: int
) -> AbstractSearcher:
    """Returns the searcher of that name.

    Args:
        name: a key of ``SEARCHERS``.
        space: the legal configurations.
        objectives: number of objectives to minimise, 1 or more.
        seed: of everything random in it, 0 or more.
        knowledge: what is known without an evaluation.
        options: keyword arguments of that searcher alone, such as ``population`` or ``initial``.

    Raises:
        UnknownNameError: when there is no such searcher, or it has no such option.
        UserError: when the searcher needs knowledge that is not there.
    """
    if name not in SEARCHERS:
        raise unknown_name("searcher", name, SEARCHERS)
    made = SEARCHERS[name]
    known = [key for key in inspect.signature(made).parameters if key != "setup"]
    for option in options:
        if option not in known:
            allowed = f"its options are {', '.join(known)}" if known else "it has no options"
            raise UnknownNameError(f"searcher {name!r} has no option {option!r}", allowed, "remove or rename it")
    return made(Setup(space, objectives, seed, knowledge), **options)
