"""Which GPUs this machine offers."""

import os
import shutil
import subprocess


def visible_gpus() -> tuple[str, ...]:
    """Returns the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; none is empty.

    Asked of the driver's own tool and not of torch, whose import takes seconds and which opens the devices.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(name.strip() for name in named.split(",") if name.strip() not in ("", "-1"))
    if not shutil.which("nvidia-smi"):
        return ()
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"],  # noqa: S607 - the one on the user's path
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in listed.stdout.splitlines() if line.strip())
