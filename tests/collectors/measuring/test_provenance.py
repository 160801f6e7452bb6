"""Where a trial ran and with what: complete, and honest about what was changed."""

import os
import subprocess
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import torch

from collectors.measuring import provenance
from collectors.measuring.provenance import describe_checkout, host_memory_bytes, ran_on, unknown_machine
from perfmodel.errors import UserError

ROOMS = ("perfmodel", "datasets_cache", "collectors", "search", "reports")


def git(folder, *words):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A committed checkout with a file of every kind."""
    for name in (*(f"{room}/__init__.py" for room in ROOMS), "reports/suites/quick.yaml", "tests/test_it.py", "README.md",
                 "datasets_cache/tasks/task_data/sums.parquet", "datasets_cache/shelf/shelf_data/old.parquet", ".gitignore"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("__pycache__/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_record_is_complete_on_a_cpu():
    record = ran_on("cpu", "night", 2)
    assert (record.campaign, record.threads, record.driver) == ("night", 2, "")
    assert record.device_name
    assert record.device_name != "unknown"
    assert record.cores == len(os.sched_getaffinity(0))
    assert set(provenance.PACKAGES) | {"python", "host_memory"} == set(record.versions)
    assert record.versions["torch"] == torch.__version__
    assert record.versions["accelerate"] == version("accelerate")
    assert record.versions["host_memory"] == f"{host_memory_bytes() / 1e9:.0f} GB"
    assert record.code_version.startswith(version("perfmodel"))
    assert record.started_at.endswith("+00:00")


def test_a_record_on_cuda_names_device_driver_and_runtime(monkeypatch):
    provenance._cuda_versions.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch, "version", SimpleNamespace(cuda="13.0"))
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    monkeypatch.setattr(provenance, "_driver", lambda: "580.1")
    record = ran_on("cuda", "night", 2)
    provenance._cuda_versions.cache_clear()
    assert (record.device_name, record.driver) == ("Some GPU", "580.1")
    assert (record.versions["cuda"], record.versions["cudnn"]) == ("13.0", "91002")


def test_cuda_where_there_is_none_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no CUDA device"):
        ran_on("cuda", "night", 2)


def test_nothing_is_made_up_about_an_unknown_machine():
    record = unknown_machine("night", 2)
    assert (record.device_name, record.driver, record.cores, record.versions) == ("unknown", "", 0, {})
    assert (record.threads, record.campaign) == (2, "night")


@pytest.mark.parametrize(("text", "expected"), [("max\n", None), ("1000000\n", 1_000_000), ("9" * 18, None)])
def test_the_memory_is_the_container_s_where_that_is_less(tmp_path, text, expected):
    limit = tmp_path / "memory.max"
    limit.write_text(text)
    whole = host_memory_bytes(tmp_path / "absent")
    assert whole > 10**8
    assert host_memory_bytes(limit) == (expected or whole)


def test_a_clean_checkout_is_its_commit(checkout):
    commit = git(checkout, "rev-parse", "--short=12", "HEAD")
    assert describe_checkout("1.2", checkout) == f"1.2+{commit}"


@pytest.mark.parametrize(
    "name",
    [*(f"{room}/__init__.py" for room in ROOMS), "collectors/new.py", "collectors/new/deep.py",
     "reports/suites/quick.yaml", "datasets_cache/tasks/task_data/sums.parquet"],
)  # fmt: skip
def test_a_change_of_anything_that_a_run_reads_shows(checkout, name):
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("changed")
    assert describe_checkout("1.2", checkout).endswith(".dirty")


@pytest.mark.parametrize(
    "name",
    [
        "tests/test_it.py",
        "README.md",
        "datasets_cache/shelf/shelf_data/new.parquet",
        "collectors/__pycache__/trial.pyc",
    ],
)
def test_a_change_of_what_no_run_reads_does_not(checkout, name):
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("changed")
    assert not describe_checkout("1.2", checkout).endswith(".dirty")


def test_an_installed_wheel_has_its_version_only(tmp_path):
    assert describe_checkout("1.2", tmp_path) == "1.2"


def test_a_checkout_that_git_cannot_read_says_so(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert describe_checkout("1.2", checkout) == "1.2+unknown"


def test_the_version_is_that_of_the_code_as_it_was_imported(monkeypatch):
    before = provenance.code_version()
    monkeypatch.setattr(provenance, "describe_checkout", lambda *_: "edited since")
    assert provenance.code_version() == before
