"""What to try next: problems, searchers, fronts.

    problem         AbstractProblem, SurrogateProblem, Evaluation    configurations in, losses and violations out
    backends        TableBackend, SurrogateBackend, LiveBackend      who answers: traces, surrogate, real runs
    benchmark_problem  BenchmarkProblem                              a problem over them, with simulated cost
    compare         compare.compare                                  searchers x tasks x seeds, resumable
    feasibility     require_feasible                                 whether a budget can be met at all
    searcher        AbstractSearcher                                 the contract: ask and tell
    random_search   RandomSearch                                     stratified draws
    nsga2           NSGA2                                            evolution, for cheap problems
    qlognehvi       QLogNEHVI                                        Bayesian optimisation, for dear ones
    knowledge       Knowledge                                        what is known without a fine-tune
    uniform         UniformGrid                                      one width and one rank everywhere
    sensitivity_greedy  SensitivityGreedy                            widths by the fall of KL per byte
    milp            MixedIntegerProgram                              LQ-LoRA's additive program, refitted
    hawq            HAWQ                                             curvature times error, an integer program
    parego          ParEGO                                           one process, a new scalarisation each time
    automixq        AutoMixQ                                         4 or 8 bits, performance models, Pareto
    qpruner         QPruner                                          mutual information, then optimisation
    qr_adaptor      QRAdaptor                                        KL start, small evolution, weighted sum
    autoqra         AutoQRA                                          importance, two fidelities, local search
    amq             AMQ                                              frozen units, predictor and NSGA-II
    apq             APQ                                              predictor transferred from cheap pairs
    optuna_samplers OptunaTPE, OptunaNSGA2                           Optuna's samplers
    joint           Joint                                            ours: pruning, bits and ranks together
    searchers       SEARCHERS, searcher                              searchers by name
    loop            run, History                                     ask, evaluate, tell, repeat
    known_fronts    AdditiveProblem                                  a problem of known front to try a searcher on
    integer_forms   IntegerForm                                      ZDT1, DTLZ2 and DTLZ7 in integers
    pareto          non_dominated, hypervolume, running_hypervolume, reference_point, spread

Everything is minimised here; ``problem`` flips directions once. torch, BoTorch and pymoo load when first needed.
"""

from search.amq import AMQ
from search.apq import APQ
from search.automixq import AutoMixQ
from search.autoqra import AutoQRA
from search.backends import LiveBackend, SurrogateBackend, TableBackend
from search.benchmark_problem import BenchmarkProblem
from search.feasibility import require_feasible
from search.hawq import HAWQ
from search.integer_forms import IntegerForm
from search.joint import Joint
from search.knowledge import Knowledge
from search.known_fronts import AdditiveProblem
from search.loop import History, run
from search.milp import MixedIntegerProgram
from search.nsga2 import NSGA2
from search.optuna_samplers import OptunaNSGA2, OptunaTPE
from search.parego import ParEGO
from search.pareto import hypervolume, non_dominated, reference_point, running_hypervolume, spread
from search.problem import AbstractProblem, Evaluation, SurrogateProblem
from search.qlognehvi import QLogNEHVI
from search.qpruner import QPruner
from search.qr_adaptor import QRAdaptor
from search.random_search import RandomSearch
from search.searcher import AbstractSearcher
from search.searchers import SEARCHERS, searcher
from search.sensitivity_greedy import SensitivityGreedy
from search.uniform import UniformGrid

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
    "IntegerForm",
    "Joint",
    "Knowledge",
    "LiveBackend",
    "MixedIntegerProgram",
    "OptunaNSGA2",
    "OptunaTPE",
    "ParEGO",
    "QLogNEHVI",
    "QPruner",
    "QRAdaptor",
    "RandomSearch",
    "SensitivityGreedy",
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
