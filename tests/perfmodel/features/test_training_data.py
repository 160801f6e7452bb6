"""Only usable traces of one setting and one set of methods become training data."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import common_setting, training_data
from perfmodel.space.methods import Methods


def test_failed_and_unmeasured_traces_are_left_out(tiny, fake_traces, failed):
    traces = fake_traces(12)
    traces[0] = failed(traces[0])
    traces[1] = replace(traces[1], measured=replace(traces[1].measured, accuracy=None))
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    assert len(training_data(traces, "held_out_loss", featurizer).target) == 11
    data = training_data(traces, "accuracy", featurizer)
    assert len(data.target) == len(data.features) == len(data.groups) == 10
    assert data.groups[0] == traces[2].asked.configuration.identifier
    assert np.isfinite(data.target).all()
    assert len(training_data(traces[:1], "accuracy", featurizer).target) == 0


def test_mixed_settings_are_named(fake_traces):
    traces = fake_traces(3)
    other = replace(traces[0].asked, setting=replace(traces[0].asked.setting, device_class="cpu"))
    with pytest.raises(UserError, match=r"counting, cuda.*counting, cpu.*one setting"):
        common_setting([*traces, replace(traces[0], asked=other)])
    assert common_setting(traces) == traces[0].asked.setting


def test_mixed_methods_are_named(fake_traces):
    traces = fake_traces(3)
    configuration = replace(traces[0].asked.configuration, methods=Methods(initializer="loftq1"))
    other = replace(traces[0], asked=replace(traces[0].asked, configuration=configuration))
    with pytest.raises(UserError, match="initializer 'zero' and 'loftq1'"):
        common_setting([*traces, other])


def test_no_traces_are_refused():
    with pytest.raises(NotEnoughTracesError, match="collect"):
        common_setting([])
