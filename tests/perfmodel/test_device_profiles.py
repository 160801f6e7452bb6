"""Profiles of devices: files that come back whole, rates between measured ones, and refusals."""

import json
import math
from dataclasses import replace

import pytest

from perfmodel.cards import cards
from perfmodel.device_profiles import DeviceProfile, format_family, shipped_profiles
from perfmodel.errors import CorruptFileError, InvalidConfigurationError, SchemaVersionError
from perfmodel.formats import FORMATS

PROFILE = DeviceProfile(
    name="here",
    device_class="cpu",
    source="test",
    measured=True,
    matrix_rates=((1e3, 1e9), (1e5, 4e9)),
    bytes_per_s=1e10,
    dequantized_per_s={"nf4": 1e9},
    seconds_per_pass=1e-5,
    details={"threads": 1},
)


def test_a_saved_profile_comes_back_the_same(tmp_path):
    PROFILE.save(tmp_path / "deep" / "profile.json")

    assert DeviceProfile.load(tmp_path / "deep" / "profile.json") == PROFILE


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
    path.write_text(json.dumps({**state, "version": 2}))
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
