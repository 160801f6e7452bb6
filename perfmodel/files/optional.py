"""Turns a missing optional dependency into an error that names the extra to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from perfmodel.errors import MissingExtraError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Wraps the lazy imports of one extra.

    Args:
        extra: the extra that brings the modules imported in the block.

    Raises:
        MissingExtraError: a module imported in the block is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the package {error.name} is not installed",
            f"this step needs the extra [{extra}]",
            f'run: pip install "perfmodel[{extra}]"',
        ) from error
