"""A console of rich on which names of files, models and tasks are nothing but text."""

from typing import Any

from rich.console import Console
from rich.text import Text

from reports.run.terminal import printable


class PlainConsole(Console):
    """A console that takes neither markup nor control characters from what it prints.

    Args:
        options: of rich's own console, such as ``stderr``; all but ``highlight`` and ``markup``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, highlight=False, markup=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Returns a text as it is printed."""
        return super().render_str(printable(text), **how)
