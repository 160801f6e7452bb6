"""Energy is what the device says, or nothing: never a number that was not measured."""

import sys
from types import SimpleNamespace

import pytest
import torch

from collectors.measuring.energy import energy_between_j, energy_so_far_j


class NVMLError(Exception):
    pass


def nvml(read):
    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetTotalEnergyConsumption=read,
    )


@pytest.fixture
def cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="abc"))
    return torch.device("cuda")


def test_a_cpu_reports_none():
    assert energy_so_far_j(torch.device("cpu")) is None


def test_millijoules_of_the_right_device_become_joules(cuda, monkeypatch):
    asked = []
    monkeypatch.setitem(sys.modules, "pynvml", nvml(lambda handle: asked.append(handle) or 2500))

    assert energy_so_far_j(cuda) == 2.5
    assert asked == ["GPU-abc"]


def test_a_device_that_does_not_report_gives_none(cuda, monkeypatch):
    def refuse(handle):
        raise NVMLError

    monkeypatch.setitem(sys.modules, "pynvml", nvml(refuse))

    assert energy_so_far_j(cuda) is None


def test_without_the_package_there_is_none(cuda, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert energy_so_far_j(cuda) is None


@pytest.mark.parametrize(("start", "end", "expected"), [(1.0, 3.5, 2.5), (None, 3.5, None), (1.0, None, None)])
def test_between_two_readings(start, end, expected):
    assert energy_between_j(start, end) == expected
