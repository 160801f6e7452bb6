"""The memory meter against allocations of known size, and the clock."""

import time

import pytest
import torch

from collectors.measuring.memory_and_time import CpuMemoryMeter, StepClock, memory_meter

CPU = torch.device("cpu")
MIB = 1 << 20


def of(mebibytes):
    return torch.empty(mebibytes * MIB, dtype=torch.uint8)


def peak(work, resident=1000):
    meter = CpuMemoryMeter()
    with meter.step(lambda: resident):
        work()
    return meter.peak_bytes


def test_an_allocation_that_is_freed_again_is_seen_to_the_byte():
    def work():
        large = of(64)
        del large
        of(32)

    assert peak(work) == 1000 + 64 * MIB


def test_allocations_that_live_together_add_up_and_others_do_not():
    def work():
        first = of(16)
        second = of(8)
        del first
        third = of(4)
        del second, third

    assert peak(work) == 1000 + 24 * MIB


def test_what_is_freed_from_before_the_step_counts_as_if_it_stayed():
    before = [of(16)]

    def work():
        before.clear()
        of(24)

    assert peak(work, resident=16 * MIB) == 40 * MIB


def test_the_peak_is_the_largest_of_the_steps():
    meter = CpuMemoryMeter()
    for size in (4, 16, 8):
        with meter.step(lambda: 0):
            of(size)
    assert meter.peak_bytes == 16 * MIB


def test_a_backward_pass_is_seen_with_what_it_saves():
    x = torch.zeros(MIB // 4, requires_grad=True)
    y = x * 2  # keeps nothing that needs memory

    def work():
        z = y.exp()  # 1 MiB, saved for the backward pass
        z.sum().backward()

    low, high = 1000 + 3 * MIB, 1000 + 4 * MIB  # exp's output, its gradient, y's gradient, and what lies between
    assert low <= peak(work) <= high


def test_a_step_that_fails_leaves_standard_error_as_it_was(capfd):
    import os

    with pytest.raises(ValueError, match="boom"):
        peak(lambda: (_ for _ in ()).throw(ValueError("boom")))
    os.write(2, b"still here")
    assert capfd.readouterr().err.endswith("still here")


def test_the_meter_prints_nothing(capfd):
    peak(lambda: of(1))
    assert capfd.readouterr() == ("", "")


def test_the_clock_times_each_step():
    clock = StepClock(CPU)
    for seconds in (0.05, 0.0):
        with clock.step():
            time.sleep(seconds)
    assert len(clock.seconds) == 2
    assert 0.05 <= clock.seconds[0] < 1
    assert 0 <= clock.seconds[1] < 0.05


def test_a_cpu_has_the_cpu_s_meter():
    assert isinstance(memory_meter(CPU), CpuMemoryMeter)
