"""Every name of the project that the golden tests use, room by room. When something moves, change it here only."""

from collectors.executors import InlineExecutor
from datasets_cache.sensitivities import SENSITIVITY_DATA
from datasets_cache.shelf import shelf_file
from perfmodel import Architecture, Configuration, Predictor, Recipe, read_traces, state_bytes
from perfmodel.named_predictors import predictor_names
from perfmodel.sensitivities import Sensitivities
from perfmodel.training_memory import Load, training_memory
from reports.render import write_report
from reports.run import Run
from reports.stages import run_stages
from reports.suite import parse_suite
from search import SEARCHERS, AbstractProblem, run, searcher
from search.knowledge import Knowledge

__all__ = [
    "SEARCHERS",
    "SENSITIVITY_DATA",
    "AbstractProblem",
    "Architecture",
    "Configuration",
    "InlineExecutor",
    "Knowledge",
    "Load",
    "Predictor",
    "Recipe",
    "Run",
    "Sensitivities",
    "parse_suite",
    "predictor_names",
    "read_traces",
    "run",
    "run_stages",
    "searcher",
    "shelf_file",
    "state_bytes",
    "training_memory",
    "write_report",
]
