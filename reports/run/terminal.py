"""Where answers are printed: standard output, wide enough for tables where it is no terminal."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All that moves a terminal's cursor or changes its state, but for tabs and ends of lines."""


def printable(text: str) -> str:
    """Returns a text with every control character spelt out: a name may hold one that a terminal would obey.

    Args:
        text: any text.
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def output_console(narrowest: int) -> "Console":
    """Returns a console on standard output, as wide as the terminal.

    Args:
        narrowest: columns that it has at least where the output is a file or a pipe, 1 or more.
    """
    from reports.run.plain_console import PlainConsole

    console = PlainConsole()
    if not console.is_terminal:
        console.width = max(console.width, narrowest)
    return console
