"""The calibration: overheads that explain known times come back, and a whole profile is measured on small sizes."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from collectors.device import calibrate as module
from collectors.device import device_rates, probe_steps
from collectors.device.calibrate import ROUNDS, STAGES, calibrate, fitted
from collectors.device.device_rates import DTYPES, FORMATS, THIN_SIDES, clock_of, seconds_of, thin_rates
from collectors.device.probe_steps import PROBES, Probe, probe_model, probe_work
from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.formats import FORMATS as ALL_FORMATS
from perfmodel.timing.device_profiles import DeviceProfile, format_family
from perfmodel.timing.step_time import step_time

CPU = torch.device("cpu")
BARE = DeviceProfile(
    "test",
    "cpu",
    "test",
    True,
    ((1e5, 1e10), (1e9, 8e10)),
    2e10,
    dequantized_per_s={"bf16": 5e9, "nf4": 1e9, "int8": 2e9},
)
TRUE = replace(BARE, moving_factor=4.0, seconds_per_pass=1e-4, seconds_per_adapter=3e-4, seconds_per_step=2e-3)


def test_the_fit_finds_the_overheads_that_made_the_times():
    works = [probe_work(probe, "cpu") for probe in PROBES["cpu"]]
    found = fitted(BARE, works, [step_time(work, TRUE).seconds for work in works])

    assert found.moving_factor == pytest.approx(4.0, rel=1e-3)
    assert found.seconds_per_pass == pytest.approx(1e-4, rel=0.01)
    assert found.seconds_per_adapter == pytest.approx(3e-4, rel=0.01)
    assert found.seconds_per_step == pytest.approx(2e-3, rel=0.01)
    assert max(map(abs, found.details["fit_errors"])) < 1e-3


def test_noise_in_the_times_makes_no_impossible_figure():
    works = [probe_work(probe, "cpu") for probe in PROBES["cpu"]]
    rng = np.random.default_rng(0)
    for _ in range(5):
        noisy = [step_time(work, TRUE).seconds * rng.uniform(0.3, 3) for work in works]
        assert fitted(BARE, works, noisy).seconds_per_pass >= 0


def test_one_format_of_each_family_is_measured():
    assert {format_family(form) for form in FORMATS} == {format_family(form) for form in ALL_FORMATS}
    assert set(PROBES) == set(DTYPES) == {"cpu", "cuda"}


def test_what_the_machine_does_elsewhere_does_not_count(monkeypatch):
    """A pause of the process is nobody's work: the clock of a CPU with one thread stands still meanwhile."""
    monkeypatch.setattr(device_rates, "SECONDS", 0.01)

    assert clock_of(CPU) is time.process_time
    assert seconds_of(lambda: (time.sleep(0.01), sum(range(100_000))), CPU) < 0.009


def test_more_threads_are_timed_by_the_wall(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)

    assert clock_of(CPU) is time.perf_counter


def test_thin_products_rise_with_the_rank_and_are_far_below_square_ones(monkeypatch):
    monkeypatch.setattr(device_rates, "SECONDS", 0.01)
    rates = thin_rates(CPU, "cpu")

    assert [rank for rank, _ in rates] == list(THIN_SIDES)
    assert [rate for _, rate in rates] == sorted(rate for _, rate in rates)
    assert 2 * rates[0][1] < rates[-1][1]


@pytest.fixture
def small(monkeypatch):
    """Makes every measurement small."""
    probes = (Probe(64, 2, 1, 8, 16, 4), Probe(64, 2, 2, 16, 4, 4), Probe(64, 4, 1, 8, 8, 4, bare=2))
    monkeypatch.setattr(device_rates, "SECONDS", 0.001)
    monkeypatch.setattr(device_rates, "FLUSHED_BYTES", {"cpu": 2**16})
    monkeypatch.setattr(device_rates, "MOVED_VALUES", {"cpu": 2**16})
    monkeypatch.setattr(device_rates, "MATRIX", {"cpu": (128, 128)})
    monkeypatch.setattr(device_rates, "PRODUCTS", {"cpu": ((8, 64, 64), (64, 128, 128))})
    monkeypatch.setattr(device_rates, "THIN_SHAPE", {"cpu": (16, 64)})
    monkeypatch.setattr(probe_steps, "STEPS", 3)
    monkeypatch.setattr(module, "PROBES", {"cpu": probes})
    return probes


def test_a_whole_profile_is_measured(small, tmp_path):
    said = []
    profile = calibrate("cpu", said.append)
    profile.save(tmp_path / "profile.json")

    assert DeviceProfile.load(tmp_path / "profile.json") == profile
    assert profile.measured and profile.device_class == "cpu" and profile.source == "bench calibrate"
    assert profile.threads == torch.get_num_threads() and profile.correction is None
    assert set(profile.dequantized_per_s) == {format_family(form) for form in FORMATS}
    assert profile.seconds_per_pass + profile.seconds_per_adapter + profile.seconds_per_step > 0
    seconds = [operations / rate for operations, rate in profile.matrix_rates]
    assert seconds == sorted(seconds)
    assert len(said) == 3 + len(FORMATS) + ROUNDS * len(small)
    assert STAGES["cpu"] == 3 + len(FORMATS) + ROUNDS * len(PROBES["cpu"])


def test_a_probe_is_the_model_that_its_work_is_counted_for():
    """Adapters only in the upper layers, stored in the asked format: what step_work is told."""
    model = probe_model(Probe(64, 4, 1, 8, 4, 8, bare=3), CPU, torch.float32)
    adapted = {name.split(".lora_A")[0] for name, _ in model.named_parameters() if "lora_A" in name}
    stored = [each for each in model.modules() if type(each).__name__ == "Linear4bit" and hasattr(each, "quant_state")]

    assert len(adapted) == 7 and all(".layers.3." in name for name in adapted)
    assert len(stored) >= 21
    assert probe_work(Probe(64, 4, 1, 8, 4, 8, bare=3), "cpu").passes == 7 * 5


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_refused():
    with pytest.raises(InvalidConfigurationError, match="no CUDA device"):
        calibrate("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_is_calibrated():
    profile = calibrate("cuda")

    assert profile.device_class == "cuda" and profile.matrix_rates[-1][1] > 1e12
