"""Turns a missing search library into an error that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from perfmodel.errors import MissingExtraError


@contextmanager
def needs_search_extra() -> Iterator[None]:
    """Wraps the lazy imports of the extra ``[search]``.

    Raises:
        MissingExtraError: a module imported in the block is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the package {error.name} is not installed",
            "this step needs the extra [search]",
            'run: pip install "perfmodel[search]"',
        ) from error
