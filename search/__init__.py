"""What to try next: problems, searchers, fronts.

    contract    problems, searchers, the loop between them, fronts
    moves       steps from one configuration to another
    models      models that searchers fit to results
    allocation  allocation of bytes to units
    general     searchers that know nothing of fine-tuning
    published   published methods for bits and ranks
    joint       this project's searcher
    knowledge_of  what is known of a task before its first fine-tune
    benchmark   problems that searchers are compared on
    comparison  searchers compared at equal cost
    registry    the searchers by name
    best_within_budget  the best configuration of a cheap problem within its budgets

Everything is minimised here; ``contract.problem`` flips directions once. torch, BoTorch and pymoo load when first
needed.
Each may import those above it, and ``perfmodel``.
"""

from search.benchmark.backends import LiveBackend, SurrogateBackend, TableBackend
from search.benchmark.known_fronts import AdditiveProblem
from search.benchmark.problem import BenchmarkProblem
from search.contract.budget_check import require_feasible
from search.contract.knowledge import Knowledge
from search.contract.loop import History, run
from search.contract.pareto import hypervolume, non_dominated, reference_point, running_hypervolume, spread
from search.contract.problem import AbstractProblem, Evaluation, SurrogateProblem
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
from search.registry import SEARCHERS, searcher

__all__ = [
    "AMQ",
    "APQ",
    "HAWQ",
    "NSGA2",
    "SEARCHERS",
    "AbstractProblem",
    "AbstractSearcher",
    "AdditiveProblem",
    "AutoMixQ",
    "AutoQRA",
    "BenchmarkProblem",
    "Evaluation",
    "History",
    "Joint",
    "Knowledge",
    "LiveBackend",
    "MixedIntegerProgram",
    "OptunaGP",
    "OptunaNSGA2",
    "OptunaTPE",
    "ParEGO",
    "QLogNEHVI",
    "QPruner",
    "QRAdaptor",
    "RandomSearch",
    "SensitivityGreedy",
    "Setup",
    "SurrogateBackend",
    "SurrogateProblem",
    "TableBackend",
    "UniformGrid",
    "hypervolume",
    "non_dominated",
    "reference_point",
    "require_feasible",
    "run",
    "running_hypervolume",
    "searcher",
    "spread",
]
