"""Single measurements of a device: matrix products, thin ones, memory, and what weights cost to bring back.

On a CPU with one thread they are timed by the processor's own clock, which stands still while other work of the machine
has the core: a product of milliseconds is seldom left alone long enough for the clock on the wall.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from collectors.measuring.memory_and_time import synchronize
from collectors.measuring.provenance import processor_name
from collectors.quantizers import QUANTIZERS, linear_of
from perfmodel.traces.trace import DeviceClass

PRODUCTS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "cpu": ((16, 64, 64), (64, 128, 128), (128, 256, 256), (256, 576, 576), (256, 576, 1536), (512, 1536, 1536)),
    "cuda": ((128, 512, 512), (512, 1024, 1024), (1024, 2048, 2048), (2048, 4096, 4096), (4096, 4096, 14336)),
}
"""Tokens, rows and columns of the products that are timed."""

THIN_SIDES = (2, 4, 8, 16, 32, 64)
"""Ranks of the adapters whose products are timed."""

THIN_SHAPE = {"cpu": (256, 576), "cuda": (4096, 4096)}
"""Tokens, and the rows and columns that such an adapter joins."""

MOVED_VALUES = {"cpu": 2**21, "cuda": 2**27}
"""Values of the vector whose product with a number is timed: 8 MiB of float32 on a CPU, as activations there."""

MATRIX = {"cpu": (576, 1536), "cuda": (4096, 4096)}
"""Rows and columns of the weight that is dequantised."""

FORMATS = ("bf16", "int8", "nf4", "nf4dq", "fp4", "hqq8g64", "hqq4g64", "hqq3g64", "hqq2g64")
"""One of each ``format_family``."""

SECONDS = 0.3
"""Given to each measurement that is repeated at once."""

FLUSHED_BYTES = {"cpu": 2**27, "cuda": 2**28}
"""Written over between two dequantisations, so that the stored weight comes from memory, as it does in a step."""

COLD_REPEATS = 12
"""Repetitions of a measurement between which the caches are written over."""

DTYPES = {"cpu": torch.float32, "cuda": torch.bfloat16}


def clock_of(device: torch.device) -> Callable[[], float]:
    """Returns the clock that a device is measured by: the process's own on a CPU with one thread, else the wall's."""
    return time.process_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter


def seconds_of(action: Callable[[], object], device: torch.device) -> float:
    """Returns the least of an action's seconds, repeated for about ``SECONDS`` after a first run.

    What others do to caches and memory meanwhile only ever adds to it.
    """
    action()
    spent: list[float] = []
    while sum(spent) < SECONDS or len(spent) < 4:
        spent.append(_once(action, device))
    return min(spent)


def cold_seconds_of(action: Callable[[], object], device: torch.device) -> float:
    """Returns the least of an action's seconds where nothing of what it reads lies in a cache."""
    action()
    buffer = torch.zeros(FLUSHED_BYTES[device.type], dtype=torch.uint8, device=device)
    spent = []
    for _ in range(COLD_REPEATS):
        buffer.add_(1)
        spent.append(_once(action, device))
    return min(spent)


def matrix_rates(device: torch.device, device_class: DeviceClass) -> list[tuple[float, float]]:
    """Returns (operations, operations a second) of products whose sides are all long, rising in the first."""
    rates: list[tuple[float, float]] = []
    for tokens, rows, columns in PRODUCTS[device_class]:
        x, weight = _random(device, device_class, (tokens, columns), (rows, columns))
        operations = 2.0 * tokens * rows * columns
        # bound as defaults: the loop's variables change
        seconds = seconds_of(lambda x=x, weight=weight: nn.functional.linear(x, weight), device)  # type: ignore[misc]
        # A larger product takes no less time than a smaller one, whatever disturbed the smaller.
        slowest = max((each / rate for each, rate in rates), default=0.0)
        rates.append((operations, operations / max(seconds, slowest)))
    return rates


def thin_rates(device: torch.device, device_class: DeviceClass) -> list[tuple[float, float]]:
    """Returns (rank, operations a second) of an adapter's six products, two forward and four backward, rising in both.

    Libraries of matrix products are far below their rate where one side is short: by ten on a CPU at rank 2.
    """
    rates: list[tuple[float, float]] = []
    tokens, width = THIN_SHAPE[device_class]
    for side in THIN_SIDES:
        shapes = ((tokens, width), (side, width), (width, side), (tokens, width))
        x, down, up, gradient = _random(device, device_class, *shapes)

        def products(x: Tensor = x, down: Tensor = down, up: Tensor = up, gradient: Tensor = gradient) -> None:
            inner = nn.functional.linear(x, down)
            nn.functional.linear(inner, up)
            inner_gradient = gradient @ up
            torch.mm(gradient.t(), inner)
            torch.mm(inner_gradient.t(), x)
            torch.mm(inner_gradient, down)

        rate = 6 * 2.0 * tokens * width * side / seconds_of(products, device)
        rates.append((float(side), max([rate, *(slower for _, slower in rates)])))
    return rates


def bytes_per_s(device: torch.device, device_class: DeviceClass) -> float:
    """Returns the bytes a second that the product of a vector with a number reads and writes."""
    values = torch.randn(MOVED_VALUES[device_class], device=device, dtype=DTYPES[device_class])
    return 2 * values.untyped_storage().nbytes() / seconds_of(lambda: values * 1.5, device)


def dequantized_per_s(form: str, device: torch.device, device_class: DeviceClass) -> float:
    """Returns the weights a second of a training pass of one token, forward and backward, which is all dequantising.

    The stored weight is read from memory, since a model's weights do not stay in the caches from one pass to the next;
    the product is that with what was just made, and so lies in a cache.

    Args:
        form: of ``FORMATS``.
        device: where.
        device_class: decides the compute type.
    """
    rows, columns = MATRIX[device_class]
    dtype = DTYPES[device_class]
    module = QUANTIZERS[form].quantize(linear_of(torch.randn(rows, columns, device=device) / 30), dtype).train()
    x, dense, ones = _random(device, device_class, (1, columns), (rows, columns), (1, rows))
    x.requires_grad = True

    def both(product: Callable[[Tensor], Tensor]) -> None:
        product(x).backward(ones)  # type: ignore[no-untyped-call]  # torch's own signature
        x.grad = None

    whole = cold_seconds_of(lambda: both(module), device)
    without = seconds_of(lambda: both(lambda each: nn.functional.linear(each, dense)), device)
    return 2 * rows * columns / max(whole - without, 0.05 * whole)


def device_name(device: torch.device) -> str:
    """Returns the name that traces of this device carry."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()


def _once(action: Callable[[], object], device: torch.device) -> float:
    clock = clock_of(device)
    synchronize(device)
    start = clock()
    action()
    synchronize(device)
    return clock() - start


def _random(device: torch.device, device_class: DeviceClass, *shapes: tuple[int, int]) -> list[Tensor]:
    return [torch.randn(shape, device=device, dtype=DTYPES[device_class]) for shape in shapes]
