"""Peak memory of training steps from the allocator's own record, and the seconds of each step."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch


class AbstractMemoryMeter(Protocol):
    """Records the peak of allocated bytes over the training steps that it is wrapped around.

    Attributes:
        peak_bytes: highest bytes of allocated tensors, 0 before the first step.
        peak_reserved_bytes: highest bytes that the allocator held from the device, None where it does not say.
    """

    peak_bytes: int
    peak_reserved_bytes: int | None

    def step(self, resident_bytes: Callable[[], int]) -> AbstractContextManager[None]:
        """Wraps one step.

        Args:
            resident_bytes: gives the allocated bytes at the step's start, 0 or more; called where the allocator
                cannot say.
        """
        ...


class CudaMemoryMeter:
    """The CUDA allocator's own peaks of allocated and of reserved bytes."""

    def __init__(self, device: torch.device) -> None:
        self.peak_bytes = 0
        self.peak_reserved_bytes: int | None = 0
        self._device = device

    @contextmanager
    def step(self, resident_bytes: Callable[[], int]) -> Iterator[None]:  # noqa: ARG002 - part of the contract
        """Wraps one step; ``resident_bytes`` is not needed here."""
        torch.cuda.reset_peak_memory_stats(self._device)
        yield
        self.peak_bytes = max(self.peak_bytes, torch.cuda.max_memory_allocated(self._device))
        self.peak_reserved_bytes = max(self.peak_reserved_bytes or 0, torch.cuda.max_memory_reserved(self._device))


class CpuMemoryMeter:
    """The peak of allocated tensor bytes, from the CPU allocator's events as the profiler records them.

    The events cover what is allocated within the step. What was allocated before is counted from the tensors
    themselves, and counts to the step's end, because the profiler does not record that a block older than itself is
    freed. A training step frees no such block: gradients are gone before it starts.
    """

    def __init__(self) -> None:
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or every profiled step prints two lines
        self.peak_bytes = 0
        self.peak_reserved_bytes: int | None = None

    @contextmanager
    def step(self, resident_bytes: Callable[[], int]) -> Iterator[None]:
        """Wraps one step."""
        from torch.profiler import ProfilerActivity, profile

        before = resident_bytes()
        with _standard_error_to_nowhere(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            yield
        recorded = profiler.profiler.kineto_results.events()
        events = sorted((event.start_ns(), event.nbytes()) for event in recorded if event.name() == "[memory]")
        live = 0
        for _, change in events:
            live += change
            self.peak_bytes = max(self.peak_bytes, before + live)


class StepClock:
    """Seconds of each training step, the device's queue emptied at both ends."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: list[float] = []
        self._device = device

    @contextmanager
    def step(self) -> Iterator[None]:
        """Wraps one step."""
        synchronize(self._device)
        start = time.perf_counter()
        yield
        synchronize(self._device)
        self.seconds.append(time.perf_counter() - start)


def memory_meter(device: torch.device) -> AbstractMemoryMeter:
    """Returns the memory meter of a device.

    Args:
        device: a CPU or a CUDA device.
    """
    return CudaMemoryMeter(device) if device.type == "cuda" else CpuMemoryMeter()


def synchronize(device: torch.device) -> None:
    """Waits for the work queued on a device.

    Args:
        device: any device; on a CPU nothing is queued.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def _standard_error_to_nowhere() -> Iterator[None]:
    """Silences what Kineto's C++ prints at its start and stop, which no setting turns off."""
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
