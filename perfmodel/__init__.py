"""What a configuration costs and what it is worth.

    errors metrics recipe space trace                   the vocabulary (extras: optional packages)
    architecture families                               the shapes of a model
    methods formats                                     how a configuration is pruned, stored, started and adapted
    store parquet trace_columns checksum                traces on disk
    memory                                              closed-form bytes of what stays
    training_memory activations resident                closed-form peak of a training step
    timing device_profiles                              closed-form seconds
    planning plan plan_quality coverage cards           what fits, how far it can grow, and what of it was measured
    sampling space_export                               drawing from a space; the space for other libraries
    features configuration_arrays training_data         what the surrogates see
    surrogate constant additive boosted surrogates      learned models behind one contract
    validation rank_correlation bootstrap effects       honest scores; which axes matter
    predictor                                           the public object: fit, load, predict, save

Importing this package imports no torch and none of the project's other packages.
"""

from perfmodel.architecture import Architecture
from perfmodel.errors import PerfModelError, UserError
from perfmodel.memory import StateBytes, state_bytes
from perfmodel.methods import Methods
from perfmodel.metrics import METRICS, Metric
from perfmodel.parquet import read_traces, write_traces
from perfmodel.predictor import Predictor
from perfmodel.recipe import Recipe
from perfmodel.space import Configuration, Space
from perfmodel.store import TraceStore
from perfmodel.trace import Asked, Measured, RanOn, Setting, Trace

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
