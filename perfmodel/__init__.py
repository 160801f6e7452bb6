"""What a configuration costs and what it is worth.

    errors      every error that a user can meet
    model       the shape of a model, and the formats that weights are stored in
    space       configurations, the space of legal ones, the recipe
    files       how files are written, read and checked
    statistics  bootstrap intervals and rank correlations
    traces      the record of one fine-tune, and how records are stored
    memory      closed-form bytes: what stays, and the peak of a training step
    timing      closed-form seconds of a training step
    features    configurations and traces as arrays of numbers
    surrogates  the learned models: one contract, one model a file
    effects     which choices matter, judged against seed noise
    evaluation  how well surrogates predict what they did not see
    predictor   the public object: fit, predict, save, load
    planner     what a fine-tune needs before any run

A folder imports from folders above it only. Importing this package imports no torch and none of the project's other
packages.
"""

from perfmodel.errors import PerfModelError, UserError
from perfmodel.memory.state_bytes import StateBytes, state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.methods import Methods
from perfmodel.space.metrics import METRICS, Metric
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Measured, RanOn, Setting, Trace

__version__ = "0.1.0"

__all__ = [
    "METRICS",
    "Architecture",
    "Asked",
    "Configuration",
    "Measured",
    "Methods",
    "Metric",
    "PerfModelError",
    "Predictor",
    "RanOn",
    "Recipe",
    "Setting",
    "Space",
    "StateBytes",
    "Trace",
    "TraceStore",
    "UserError",
    "read_traces",
    "state_bytes",
    "write_traces",
]
