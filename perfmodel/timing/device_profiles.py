"""What a device can do, in the few figures that decide a step's seconds: measured there, or a vendor's peaks."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perfmodel.errors import InvalidConfigurationError
from perfmodel.files.json_file import read_json, refusing_damage
from perfmodel.files.state_file import read_state, write_state
from perfmodel.timing.correction import TimeCorrection
from perfmodel.traces.trace import DeviceClass

PROFILE_VERSION = 2
"""Version 1 knew no thin products, no correction, and the threads among its details."""
SHIPPED_FILE = Path(__file__).with_name("device_profiles.json")


@dataclass(frozen=True)
class DeviceProfile:
    """One device.

    Args:
        name: name of the device or card.
        device_class: decides the compute type of the rates: float32 on a CPU, bfloat16 on CUDA.
        source: how the figures came about, or the vendor's paper.
        measured: False for a vendor's peaks, from which seconds are a lower bound.
        matrix_rates: (operations of one matrix product, operations a second), rising in the first; between points the
            rate is interpolated on logarithms, beyond them it is the last one's.
        bytes_per_s: bytes of memory read or written a second.
        thin_rates: (rank, operations a second) of an adapter's products, rising in the first; between points they are
            interpolated on logarithms, below them they fall with the rank, beyond them ``matrix_rates`` decide.
        dequantized_per_s: weights brought back to the compute type a second, by ``format_family``; one that is missing
            goes by ``bytes_per_s``.
        moving_factor: how many times as long activations take to move between products as their bytes alone.
        seconds_per_pass: cost of one pass through one linear module besides its arithmetic.
        seconds_per_adapter: seconds of one pass through one adapter besides its arithmetic.
        seconds_per_step: seconds of a step besides all that.
        threads: number of torch's threads where it was measured on a CPU; 0 where it was not.
        compared_traces: number of this device's traces whose step times the closed form was compared with.
        closed_form_error: the closed form's mean absolute relative error on them; None where there were none.
        correction: learned from them, where it beats the closed form.
        details: versions, errors of the fit; nothing reads them.
    """

    name: str
    device_class: DeviceClass
    source: str
    measured: bool
    matrix_rates: tuple[tuple[float, float], ...]
    bytes_per_s: float
    thin_rates: tuple[tuple[float, float], ...] = ()
    dequantized_per_s: Mapping[str, float] = field(default_factory=dict)
    moving_factor: float = 1.0
    seconds_per_pass: float = 0.0
    seconds_per_adapter: float = 0.0
    seconds_per_step: float = 0.0
    threads: int = 0
    compared_traces: int = 0
    closed_form_error: float | None = None
    correction: TimeCorrection | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses figures that no device has."""
        rates = [
            self.bytes_per_s,
            *self.dequantized_per_s.values(),
            *(value for pair in (*self.matrix_rates, *self.thin_rates) for value in pair),
        ]
        overheads = (self.moving_factor, self.seconds_per_pass, self.seconds_per_adapter, self.seconds_per_step)
        legal = all(math.isfinite(rate) and rate > 0 for rate in rates)
        rising = all(
            sizes == sorted(set(sizes))
            for sizes in ([size for size, _ in rates] for rates in (self.matrix_rates, self.thin_rates))
        )
        if not (legal and self.matrix_rates and rising and all(0 <= each < math.inf for each in overheads)):
            raise InvalidConfigurationError(
                f"the profile of {self.name} holds an impossible figure",
                "rates are above 0, sizes of products rise, overheads are 0 or more",
                "run bench calibrate again",
            )

    def matrix_rate(self, operations: float, rank: int = 0) -> float:
        """Returns the operations a second of a product of so many operations.

        Args:
            operations: number of operations of the product, above 0.
            rank: rank of the adapter whose product it is; 0 for a linear module's.
        """
        rate = _interpolated(self.matrix_rates, operations)
        if not (rank and self.thin_rates) or rank > self.thin_rates[-1][0]:
            return rate
        smallest = self.thin_rates[0][0]
        return min(rate, _interpolated(self.thin_rates, rank) * min(1.0, rank / smallest))

    def save(self, path: Path) -> None:
        """Writes the profile as versioned JSON with its checksum.

        Raises:
            OutputFolderError: when the folder cannot be written.
        """
        write_state(path, "device profile", PROFILE_VERSION, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "DeviceProfile":
        """Returns the profile that ``save`` wrote.

        Raises:
            CorruptFileError: when the file is missing, damaged or no profile.
            SchemaVersionError: when a newer version wrote it.
        """
        body = read_state(path, "device profile", PROFILE_VERSION)
        with refusing_damage(str(path), "run bench calibrate again"):
            return _from_body(body)


def shipped_profiles() -> dict[str, DeviceProfile]:
    """Returns the profiles of known cards by the card's name: vendors' peaks, not measurements."""
    listed = read_json(SHIPPED_FILE)["profiles"]
    return {entry["name"]: _from_body({**entry, "measured": False}) for entry in listed}


def format_family(name: str) -> str:
    """Returns what decides how fast a format is read: its name, without HQQ's size of groups.

    Args:
        name: name of a format, of ``perfmodel.model.formats.FORMATS``.
    """
    return name.split("g", 1)[0] if name.startswith("hqq") else name


def _interpolated(rates: tuple[tuple[float, float], ...], size: float) -> float:
    """Returns the rate at a size, on logarithms between points and the nearest one's beyond them."""
    sizes = [each for each, _ in rates]
    place = bisect_left(sizes, size)
    if place in (0, len(sizes)):
        return rates[min(place, len(sizes) - 1)][1]
    (low, slow), (high, fast) = rates[place - 1 : place + 1]
    share = math.log(size / low) / math.log(high / low)
    return math.exp(math.log(slow) + share * math.log(fast / slow))


def _from_body(body: Mapping[str, Any]) -> DeviceProfile:
    values = dict(body)
    for name in ("matrix_rates", "thin_rates"):
        if name in values:
            values[name] = tuple((float(size), float(rate)) for size, rate in values[name])
    if values.get("correction") is not None:
        values["correction"] = TimeCorrection(**values["correction"])
    # Version 1 had the threads among the details.
    values.setdefault("threads", int(values.get("details", {}).get("threads", 0)))
    return DeviceProfile(**values)
