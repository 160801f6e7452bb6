"""What a configuration costs and what it is worth.

    errors metrics recipe space trace                   the vocabulary (extras: optional packages)
    architecture families                               the shapes of a model
    methods formats                                     how a configuration is pruned, stored, started and adapted
    store parquet trace_file trace_columns checksum     traces on disk (column_descriptions: what they mean)
    memory                                              closed-form bytes of what stays
    training_memory step_account resident activations   closed-form peak of a training step
    step_moments module_pass highest distinct_layers    the highest moment within a layer
    published_peaks                                     what others measured on GPUs beside it
    timing device_profiles time_correction              closed-form seconds, and what traces say of them
    planning plan plan_quality coverage cards           what fits, how far it can grow, and what of it was measured
      changed_weights dense byte_sizes                  ranking without traces; models it takes; sizes in words
    sampling space_export                               drawing from a space; the space for other libraries
    features configuration_arrays training_data         what the surrogates see
      packed_arrays fast_features feature_matrix        the same at speed (depth_hats)
    sensitivities sensitivity_features                  what each unit costs alone, measured without fine-tuning
    surrogate surrogates fitting slopes                 the contract of learned models, and their names
      constant additive damage boosted                  the models (signed_fit ridge tree_bag)
      gaussian_process stack                            (gaussian_basis evidence)
    learning_curve feasibility                          loss at any step; the probability of ok
    splits out_of_fold conformal validation             predictions of what was left out, with honest intervals
    scores rank_correlation bootstrap score_table       statistics, each with an interval
    score_sheet effects ablation                        every split and score; which axes, which features matter
    transfer cheap_pairs                                other tasks, and losses before fine-tuning, as a start
    estimator                                           a surrogate as scikit-learn knows regressors
    ceiling repeats decomposition alignment departures  seed noise, shares of variance, bits against ranks, pilots
    predictor predictor_record prediction state_file    the public object: fit, load, predict, save
      named_predictors                                  those that come with the package
      joint_posterior links                             all metrics at once, the fast path
      joint_ridge joint_basis joint_damage joint_trees  its parts
    onnx_copy onnx_graph                                the means for programs without Python

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
