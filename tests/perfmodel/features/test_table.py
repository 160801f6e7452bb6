"""A table that is not ours: read as it is, refused by the name of the column, and learnt without our names."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.evaluation.named_splits import splitters
from perfmodel.evaluation.out_of_fold import out_of_fold
from perfmodel.evaluation.selection import choose, judge
from perfmodel.features.table import TableInputs, copied_rows, table_data
from perfmodel.predictor.prediction import Prediction
from perfmodel.space.metrics import METRICS, Metric
from perfmodel.surrogates.boosted import BoostedSurrogate
from perfmodel.surrogates.registry import SURROGATES, candidates, make_surrogate

BITS_PER_BYTE = Metric("bits_per_byte", "Bits per byte", "bit", minimize=True, log_target=False, upper=4.0)
INPUTS = ("rank_1", "pruning_rate", "warm", "kernel")


@pytest.fixture(scope="module")
def table():
    """Twelve hosts of eight rows; names that mean something else here, and one categorical input."""
    rng = np.random.default_rng(0)
    rows = 96
    made = pd.DataFrame(
        {
            "host": np.repeat([f"host {index}" for index in range(12)], 8),
            "rank_1": rng.uniform(0, 1, rows),
            "pruning_rate": rng.uniform(0, 1, rows),
            "warm": rng.uniform(0, 1, rows),
            "kernel": rng.choice(["flash", "plain"], rows),
        }
    )
    made["bits_per_byte"] = 1 + made["rank_1"] + made["warm"] + 0.5 * (made["kernel"] == "plain")
    return made


@pytest.fixture(scope="module")
def data(table):
    return table_data(table, BITS_PER_BYTE, TableInputs.of(table, INPUTS), labels=["host"])


@pytest.mark.parametrize("name", sorted(set(SURROGATES) - {"constant"}))
def test_every_model_reads_every_column(name, data):
    """Without ``rank_1`` or ``warm`` a model explains half of the variance at most."""
    (entry,) = judge(data, [name], repeats=1).scores
    assert entry.metric == "bits_per_byte" and entry.scores["r2"].value > 0.8


def test_a_category_is_a_column_a_label_and_a_new_label_is_none_of_them(table):
    inputs = TableInputs.of(table, INPUTS)
    features = inputs.features(table.assign(kernel="other"))
    assert features.columns[-2:] == ("kernel=flash", "kernel=plain")
    assert not features.values[:, -2:].any()


def test_what_is_missing_is_refused_by_the_name_of_its_column(table):
    gap = table.assign(warm=table["warm"].where(table.index != 7))
    with pytest.raises(UserError, match=r"warm .* 1 of 96 rows, first in row 7"):
        TableInputs.of(gap, INPUTS)
    with pytest.raises(UserError, match="no column 'cold'"):
        TableInputs.of(table, ["cold"])
    inputs = TableInputs.of(table, INPUTS)
    with pytest.raises(UserError, match=r"bits_per_byte is 5 in row 3.*between 0 and 4"):
        table_data(
            table.assign(bits_per_byte=table["bits_per_byte"].where(table.index != 3, 5.0)), BITS_PER_BYTE, inputs
        )


def test_copies_in_other_configurations_are_found(table, data):
    assert not len(copied_rows(data))
    twice = pd.concat([table, table.iloc[[4, 5]].assign(host="host 11")], ignore_index=True)
    found = copied_rows(table_data(twice, BITS_PER_BYTE, TableInputs.of(twice, INPUTS), labels=["host"]))
    assert found.tolist() == [4, 5, 96, 97]


def test_a_new_label_is_predicted_without_it_and_its_interval_counts_labels(table):
    """Each host has a level of its own, which no input tells: only hosts left out say how far apart levels lie."""
    level = np.random.default_rng(1).normal(0, 0.5, 12).clip(-1, 1)
    shifted = table.assign(bits_per_byte=table["bits_per_byte"] + np.repeat(level, 8).clip(-0.9))
    made = table_data(shifted, BITS_PER_BYTE, TableInputs.of(shifted, (*INPUTS, "host")), labels=["host"])
    result = out_of_fold(made, "additive", splitters(made, "host", 0))
    assert len(np.unique(result.folds)) == len(np.unique(result.units)) == 12
    low, high = result.interval(0.9)
    assert np.mean((low <= made.target) & (made.target <= high)) > 0.8
    by_row = judge(made, ["additive"], repeats=1).calibrations["additive"].half_width(0.9)
    easy = out_of_fold(made, "additive", splitters(made, "configuration", 0, repeats=1))
    assert result.calibration().half_width(0.9) * result.scale.mean() > 1.5 * by_row * easy.scale.mean()


def test_a_label_that_is_not_there_is_refused(data):
    with pytest.raises(NotEnoughTracesError, match=r"only one cluster \(not known\)"):
        judge(data, ["additive"], split="cluster")


def test_a_prediction_keeps_to_the_declared_bounds(data):
    model = make_surrogate("additive", BITS_PER_BYTE).fit(data.features, data.target, data.groups)
    outside = np.zeros(len(data.target), dtype=bool)
    made = Prediction.of([BITS_PER_BYTE], [model.posterior(data.features)], outside, [1e9])
    assert (made.low == 0).all() and (made.high == 4).all() and made.metrics == ("bits_per_byte",)


def test_the_size_of_the_trees_is_the_callers(data):
    """One split a tree cannot tell what two columns do together."""
    product = data.features.column("rank_1") > 0.5
    target = 1.0 + (product ^ (data.features.column("warm") > 0.5))
    made = type(data)(BITS_PER_BYTE, data.features, target, data.groups)
    makers = {
        f"depth {depth}": lambda _, depth=depth: BoostedSurrogate(log_target=False, depth=depth) for depth in (1, 4)
    }
    stumps, deep = judge(made, makers, repeats=1).scores
    assert stumps.scores["error_ratio_to_constant"].value > 0.9 > 0.6 > deep.scores["error_ratio_to_constant"].value
    assert choose([stumps]) == {"bits_per_byte": "constant"} and choose([deep]) == {"bits_per_byte": "depth 4"}
    with pytest.raises(UserError, match="allowed are 1 to 8"):
        partial(BoostedSurrogate, depth=9)(log_target=False)


def test_a_metric_of_our_name_but_another_meaning_has_none_of_our_slopes():
    ours = METRICS["held_out_loss"]
    theirs = Metric("held_out_loss", "Loss", "nats per token", minimize=True, log_target=True)
    assert "gaussian_process" not in candidates(ours)
    assert "gaussian_process" in candidates(theirs)
