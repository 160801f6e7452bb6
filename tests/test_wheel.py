"""The wheel holds exactly the five rooms with all their files, and nothing else claims their names."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("perfmodel", "datasets_cache", "collectors", "search", "reports")


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy, because a build leaves files behind that the next one would pack
    for name in [*project_files(), "pyproject.toml", "README.md", "LICENSE"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(folder), "."]
    subprocess.run(command, check=True, cwd=source, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def project_files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return {name for name in listed.splitlines() if (ROOT / name).is_file()}


def test_wheel_holds_exactly_the_files_of_the_rooms(wheel_names):
    packed = {name for name in wheel_names if name.split("/")[0] in ROOMS}

    assert packed == project_files()


def test_wheel_holds_nothing_but_the_rooms(wheel_names):
    others = {name.split("/")[0] for name in wheel_names} - set(ROOMS)

    assert all(name.startswith("perfmodel-") and name.endswith(".dist-info") for name in others)


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_distribution_has_our_names(room):
    assert set(packages_distributions()[room]) == {"perfmodel"}
