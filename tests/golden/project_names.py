"""Every name of the project that the golden tests use, room by room. When something moves, change it here only."""

from collectors.executors import InlineExecutor
from datasets_cache.shelf.sensitivities import SENSITIVITY_DATA
from datasets_cache.shelf.shelf import shelf_file
from perfmodel import Architecture, Configuration, Predictor, Recipe, read_traces, state_bytes
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import training_memory
from perfmodel.predictor.shipped import predictor_names
from reports.pages.html import packed_plotly
from reports.report.page import write_report
from reports.run.run import Run
from reports.run.suite import parse_suite
from reports.stages.stages import run_stages
from search import SEARCHERS, AbstractProblem, run, searcher
from search.contract.knowledge import Knowledge

__all__ = [
    "SEARCHERS",
    "SENSITIVITY_DATA",
    "AbstractProblem",
    "Architecture",
    "BatchLoad",
    "Configuration",
    "InlineExecutor",
    "Knowledge",
    "Predictor",
    "Recipe",
    "Run",
    "Sensitivities",
    "packed_plotly",
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
