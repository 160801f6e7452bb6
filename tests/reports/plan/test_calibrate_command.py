"""``bench calibrate``: the file it writes, the traces it learns from, and what it says; measuring itself is replaced."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import collectors.device.calibrate
import collectors.device.learned_time
from collectors.device.learned_time import Learned
from perfmodel.errors import CorruptFileError, InvalidConfigurationError
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.timing.correction import TimeCorrection
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.traces.parquet import write_traces
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Measured, RanOn, Setting, Trace
from reports.cli.main import app
from reports.plan.record import calibrated_path

PROFILE = DeviceProfile("here", "cpu", "bench calibrate", True, ((1.0, 1e11),), 1e10, threads=1)
SETTING = Setting("tiny", "a" * 64, "counting", "b" * 64, Recipe(), "cpu")
TRACE = Trace(
    Asked(SETTING, Configuration.uniform(4, bits=4, rank=8), 0, "plan"),
    Measured("ok", step_time_s=1.0),
    RanOn("elsewhere", "", 2, 1, {}, "c0de", "2026-01-01T00:00:00Z", "test"),
)


@pytest.fixture(autouse=True)
def measured(monkeypatch, tmp_path):
    """Counts the calibrations, each of which gives ``PROFILE``."""
    calls = []
    monkeypatch.setenv("PERFMODEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        collectors.device.calibrate, "calibrate", lambda device, advance: calls.append(device) or PROFILE
    )
    return calls


@pytest.fixture(params=["sqlite", "parquet"])
def traces(request, tmp_path):
    path = tmp_path / f"traces.{request.param}"
    if request.param == "parquet":
        write_traces([TRACE], path)
    else:
        with TraceStore.writer(path) as store:
            store.add(TRACE)
    return path


def invoke(*arguments):
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def test_the_profile_is_left_where_plan_reads_it():
    done = invoke("--device", "cpu")

    assert done.exit_code == 0 and Path(done.stdout.strip()) == calibrated_path("cpu").resolve()
    assert DeviceProfile.load(calibrated_path("cpu")) == PROFILE


def test_traces_of_another_device_teach_nothing(traces, tmp_path):
    done = invoke("--device", "cpu", "--traces", traces, "--to", tmp_path / "profile.json")

    assert done.exit_code == 0
    assert "none of the traces ran to its end on here with 1 threads" in " ".join(done.stderr.split())
    assert DeviceProfile.load(tmp_path / "profile.json") == PROFILE


def test_what_was_learned_is_kept_and_told(traces, tmp_path, monkeypatch):
    correction = TimeCorrection(1.1, 1.0, 1.0, 1.2, 120, 0.04, 0.06)
    corrected = replace(PROFILE, compared_traces=120, closed_form_error=0.06, correction=correction)
    monkeypatch.setattr(
        collectors.device.learned_time, "learned", lambda profile, known: Learned(corrected, 120 * len(known), 5, 0.04)
    )
    done = invoke("--traces", traces, "--device", "cpu", "--to", tmp_path / "profile.json")

    assert (
        "seconds by the correction, off by 4.0 % in settings left out; the closed form by 6.0 % on average over 120"
        in " ".join(done.stderr.split())
    )
    assert DeviceProfile.load(tmp_path / "profile.json").correction == correction


def test_threads_are_set_before_anything_is_measured(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)

    assert invoke("--device", "cpu", "--threads", 3).exit_code == 0
    assert asked == [3]


def test_traces_that_cannot_be_read_cost_no_measurement(tmp_path, measured):
    for name in ("missing.sqlite", "missing.parquet"):
        assert isinstance(invoke("--traces", tmp_path / name).exception, CorruptFileError)
    assert measured == []
    assert isinstance(invoke("--device", "tpu").exception, InvalidConfigurationError)
