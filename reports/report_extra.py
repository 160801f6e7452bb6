"""Turns a missing drawing library into an error that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from perfmodel.errors import MissingExtraError


@contextmanager
def needs_report_extra() -> Iterator[None]:
    """Wraps the lazy imports of the extra ``[report]``.

    Raises:
        MissingExtraError: a module imported in the block is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the package {error.name} is not installed",
            "writing a report needs the extra [report]",
            'run: pip install "perfmodel[report]"',
        ) from error
