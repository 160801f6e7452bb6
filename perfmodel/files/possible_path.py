"""A text that a person gave, as a path where it can be one."""

from pathlib import Path

IMPOSSIBLE = Path("/dev/null/no-path")
"""A path that no file system has: below a device."""


def possible_path(text: str) -> Path:
    """Returns the path of a text, the user's home folder filled in; a path that is nowhere where it cannot be one.

    No file system has names of thousands of letters or with a null character, and no system a user of any name.

    Args:
        text: a path, or anything else.
    """
    try:
        path = Path(text).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError):
        return IMPOSSIBLE
    return path
