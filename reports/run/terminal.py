"""Where answers are printed: standard output, wide enough for tables where it is no terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def output_console(narrowest: int) -> "Console":
    """Returns a console on standard output, as wide as the terminal.

    Args:
        narrowest: columns that it has at least where the output is a file or a pipe, 1 or more.
    """
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, narrowest)
    return console
