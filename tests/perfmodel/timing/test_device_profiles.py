"""Profiles of devices: files that come back whole, rates between measured ones, and refusals."""

import hashlib
import json
import math
from dataclasses import replace

import pytest

from perfmodel.errors import CorruptFileError, InvalidConfigurationError, SchemaVersionError
from perfmodel.model.formats import FORMATS
from perfmodel.planner.gpu_cards import cards
from perfmodel.timing.correction import TimeCorrection
from perfmodel.timing.device_profiles import PROFILE_VERSION, DeviceProfile, format_family, shipped_profiles

PROFILE = DeviceProfile(
    name="here",
    device_class="cpu",
    source="test",
    measured=True,
    matrix_rates=((1e3, 1e9), (1e5, 4e9)),
    bytes_per_s=1e10,
    thin_rates=((2.0, 1e8), (8.0, 4e8)),
    dequantized_per_s={"nf4": 1e9},
    seconds_per_pass=1e-5,
    threads=1,
    compared_traces=20,
    closed_form_error=0.2,
    correction=TimeCorrection(0.9, 1.1, 1.2, 0.5, 20, 0.1, 0.2),
    details={"versions": {"torch": "2.13.0"}},
)
VERSION_1 = {
    "name": "AMD EPYC",
    "device_class": "cpu",
    "source": "bench calibrate",
    "measured": True,
    "matrix_rates": [[131072.0, 2e10], [2415919104.0, 8.5e10]],
    "bytes_per_s": 2e10,
    "dequantized_per_s": {"bf16": 5e9, "nf4": 1.2e9},
    "moving_factor": 4.0,
    "seconds_per_pass": 7e-5,
    "seconds_per_adapter": 2e-4,
    "seconds_per_step": 3e-3,
    "details": {"fit_errors": [0.01, -0.02], "threads": 2, "versions": {"torch": "2.13.0"}},
}
"""The body of a file that version 1 wrote."""


def test_a_saved_profile_comes_back_the_same(tmp_path):
    PROFILE.save(tmp_path / "deep" / "profile.json")

    assert DeviceProfile.load(tmp_path / "deep" / "profile.json") == PROFILE


def test_a_file_of_version_1_is_read(tmp_path):
    digest = hashlib.sha256(json.dumps(VERSION_1, sort_keys=True).encode()).hexdigest()
    state = {"kind": "device profile", "version": 1, "sha256": digest, "body": VERSION_1}
    (tmp_path / "old.json").write_text(json.dumps(state))
    profile = DeviceProfile.load(tmp_path / "old.json")

    assert (profile.threads, profile.thin_rates, profile.correction) == (2, (), None)
    assert profile.matrix_rate(1e12, rank=2) == 8.5e10
    assert profile.dequantized_per_s["nf4"] == 1.2e9
    profile.save(tmp_path / "new.json")
    assert json.loads((tmp_path / "new.json").read_text())["version"] == PROFILE_VERSION == 2
    assert DeviceProfile.load(tmp_path / "new.json") == profile


def test_thin_products_are_slower_by_their_rank_up_to_the_last_one_measured():
    assert PROFILE.matrix_rate(1e5, rank=2) == pytest.approx(1e8)
    assert PROFILE.matrix_rate(1e5, rank=4) == pytest.approx(2e8)
    assert PROFILE.matrix_rate(1e5, rank=1) == pytest.approx(5e7)
    assert PROFILE.matrix_rate(1e5, rank=9) == PROFILE.matrix_rate(1e5) == pytest.approx(4e9)
    assert replace(PROFILE, thin_rates=((2.0, 1e12),)).matrix_rate(1e5, rank=2) == pytest.approx(4e9)


def test_rates_are_interpolated_on_logarithms_and_kept_beyond_the_ends():
    assert PROFILE.matrix_rate(1e3) == pytest.approx(1e9)
    assert PROFILE.matrix_rate(1e4) == pytest.approx(2e9)
    assert PROFILE.matrix_rate(1e5) == pytest.approx(4e9)
    assert PROFILE.matrix_rate(1) == 1e9
    assert PROFILE.matrix_rate(1e9) == 4e9


@pytest.mark.parametrize(
    "changes",
    [
        {"matrix_rates": ()},
        {"matrix_rates": ((1e5, 1e9), (1e3, 1e9))},
        {"matrix_rates": ((1e3, 0.0),)},
        {"thin_rates": ((8.0, 1e9), (2.0, 1e9))},
        {"thin_rates": ((2.0, -1.0),)},
        {"bytes_per_s": -1.0},
        {"bytes_per_s": math.nan},
        {"dequantized_per_s": {"nf4": 0.0}},
        {"seconds_per_pass": -1e-9},
        {"seconds_per_step": math.inf},
    ],
)
def test_impossible_figures_are_refused(changes):
    with pytest.raises(InvalidConfigurationError, match="calibrate"):
        replace(PROFILE, **changes)


def test_a_damaged_missing_or_newer_file_says_so(tmp_path):
    path = tmp_path / "profile.json"
    with pytest.raises(CorruptFileError):
        DeviceProfile.load(path)
    PROFILE.save(path)
    path.write_text(path.read_text().replace("1000.0", "2000.0", 1))
    with pytest.raises(CorruptFileError):
        DeviceProfile.load(path)
    PROFILE.save(path)
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "version": PROFILE_VERSION + 1}))
    with pytest.raises(SchemaVersionError):
        DeviceProfile.load(path)


def test_shipped_profiles_are_of_known_cards_and_marked_as_peaks():
    profiles = shipped_profiles()

    assert set(profiles) <= set(cards())
    assert profiles["H100 80GB"].matrix_rate(1e12) == pytest.approx(989.4e12)
    assert not any(profile.measured for profile in profiles.values())
    assert all(profile.source.startswith("vendor peak: ") for profile in profiles.values())
    assert all(profile.device_class == "cuda" for profile in profiles.values())


def test_hqq_s_groups_do_not_make_a_family():
    families = {format_family(name) for name in FORMATS}

    assert families == {"bf16", "int8", "nf4", "nf4dq", "fp4", "hqq8", "hqq4", "hqq3", "hqq2"}
