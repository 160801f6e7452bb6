"""Energy that a device used over a stretch of work, where the device reports it."""

import torch


def energy_so_far_j(device: torch.device) -> float | None:
    """Returns the energy the device has used since its driver started, in joules; None where it does not say.

    NVIDIA devices from Volta on say so through NVML, if the package ``nvidia-ml-py`` is installed. The figure is the
    whole device's: run one trial at a time where it is to be one trial's.

    Args:
        device: any device; only CUDA devices report energy.
    """
    if device.type != "cuda":
        return None
    try:
        import pynvml  # type: ignore[import-not-found]  # optional

        pynvml.nvmlInit()
        uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByUUID(uuid))) / 1e3
    except ModuleNotFoundError:
        return None
    except pynvml.NVMLError:
        return None


def energy_between_j(start: float | None, end: float | None) -> float | None:
    """Returns the joules between two readings, None where one is missing.

    Args:
        start: earlier reading in joules, None where there is none.
        end: later reading in joules, None where there is none.
    """
    return None if start is None or end is None else end - start
