"""What to try next: problems, searchers, fronts.

    problem         AbstractProblem, SurrogateProblem, Evaluation    configurations in, losses and violations out
    feasibility     require_feasible                                 whether a budget can be met at all
    searcher        AbstractSearcher                                 the contract: ask and tell
    random_search   RandomSearch                                     stratified draws
    nsga2           NSGA2                                            evolution, for cheap problems
    qlognehvi       QLogNEHVI                                        Bayesian optimisation, for dear ones
    searchers       SEARCHERS, searcher                              searchers by name
    loop            run, History                                     ask, evaluate, tell, repeat
    known_fronts    AdditiveProblem, ZDT1Problem                     problems to try a searcher on
    pareto          non_dominated, hypervolume, running_hypervolume, reference_point, spread

Everything is minimised here; ``problem`` flips directions once. torch, BoTorch and pymoo load when first needed.
"""

from search.feasibility import require_feasible
from search.known_fronts import AdditiveProblem, ZDT1Problem
from search.loop import History, run
from search.nsga2 import NSGA2
from search.pareto import hypervolume, non_dominated, reference_point, running_hypervolume, spread
from search.problem import AbstractProblem, Evaluation, SurrogateProblem
from search.qlognehvi import QLogNEHVI
from search.random_search import RandomSearch
from search.searcher import AbstractSearcher
from search.searchers import SEARCHERS, searcher

__all__ = [
    "NSGA2",
    "SEARCHERS",
    "AbstractProblem",
    "AbstractSearcher",
    "AdditiveProblem",
    "Evaluation",
    "History",
    "QLogNEHVI",
    "RandomSearch",
    "SurrogateProblem",
    "ZDT1Problem",
    "hypervolume",
    "non_dominated",
    "reference_point",
    "require_feasible",
    "run",
    "running_hypervolume",
    "searcher",
    "spread",
]
