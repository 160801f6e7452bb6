"""The tree of errors a user can meet; every message says what was given, what is allowed and what to do.

    PerfModelError                  root; ``exit_code`` 1: what was asked for could not be had
    ├── UserError                   the caller's input can be mended; ``exit_code`` 2
    │   ├── InvalidConfigurationError   bits, ranks or a rate outside the space
    │   ├── InvalidSuiteError           a suite file or an override that cannot be used
    │   ├── UnknownNameError            a task, searcher, surrogate or metric that does not exist
    │   ├── ModelNotFoundError          a base model's files are missing
    │   ├── UnsupportedModelError       an architecture outside the supported families
    │   ├── InvalidTaskError            a task file that cannot be used
    │   ├── OutputFolderError           the run's folder cannot be written
    │   ├── StageOrderError             a stage was asked for before those whose output it reads
    │   ├── MissingExtraError           an optional dependency is not installed
    │   ├── CorruptFileError            a file is damaged or its checksum differs
    │   └── SchemaVersionError          a file was written by a newer version
    ├── InfeasibleBudgetError       no configuration meets the budget
    ├── FailedCheckError            published files do not hold what they should
    ├── TrialsFailedError           every trial of a campaign fails
    ├── StoreBusyError              another driver is writing to the trace store
    ├── StoreFullError              the trace store's disk has no space left
    ├── NotEnoughTracesError        too few traces to fit or to judge a model
    ├── InterruptedRunError         the person at the keyboard stopped the run; ``exit_code`` 130
    └── DownloadError               a file could not be fetched

Physical failures of a trial (out of memory, divergence) are not errors: they are traces with that status.

``did_you_mean`` and ``unknown_name`` word the messages about a name that does not exist, ``named_by_index`` those about
one configuration of many.
"""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class PerfModelError(Exception):
    """Root of every error this project raises on purpose.

    Args:
        given: what was found.
        allowed: what would have been accepted.
        action: what the reader can do now.
    """

    exit_code = 1

    def __init__(self, given: str, allowed: str, action: str) -> None:
        super().__init__(f"{given}; {allowed}; {action}")
        self.given = given
        self.allowed = allowed
        self.action = action

    def __reduce__(self) -> tuple[type["PerfModelError"], tuple[str, str, str]]:
        """Makes the error survive the pipe from a worker process."""
        return type(self), (self.given, self.allowed, self.action)


class UserError(PerfModelError):
    """The caller's input cannot be used as it is."""

    exit_code = 2


class InvalidConfigurationError(UserError):
    """A configuration lies outside the space or does not match the architecture."""


class InvalidSuiteError(UserError):
    """A suite file or an override names an unknown key or an illegal value."""


class UnknownNameError(UserError):
    """A task, searcher, surrogate or metric of that name does not exist."""


class ModelNotFoundError(UserError):
    """A base model's files are not where they were said to be."""


class UnsupportedModelError(UserError):
    """The base model's architecture is outside the supported families."""


class InvalidTaskError(UserError):
    """A task's file lacks a column, a split or an answer."""


class InfeasibleBudgetError(PerfModelError):
    """No configuration of the space meets the budget."""


class OutputFolderError(UserError):
    """A folder cannot be created or written."""


class StageOrderError(UserError):
    """A stage was asked for alone and the output of an earlier one is missing or out of date."""


class MissingExtraError(UserError):
    """An optional dependency is needed and not installed."""


class CorruptFileError(UserError):
    """A file is damaged, or its checksum is not the recorded one."""


class SchemaVersionError(UserError):
    """A file carries a schema version that this version does not know."""


class FailedCheckError(PerfModelError):
    """Published files do not hold what they should."""


class StoreBusyError(PerfModelError):
    """Another driver holds the trace store."""


class StoreFullError(PerfModelError):
    """The disk under the trace store is full."""


class TrialsFailedError(PerfModelError):
    """Every trial of a campaign fails, so that going on would teach nothing."""


class NotEnoughTracesError(PerfModelError):
    """Too few usable traces for what was asked."""


class InterruptedRunError(PerfModelError):
    """The person at the keyboard stopped the run."""

    exit_code = 130


class DownloadError(PerfModelError):
    """A file could not be fetched from the package index or the hub."""


def did_you_mean(
    name: str,
    known: Iterable[str],
    otherwise: str = "use one of these names",
    *,
    most: int = 1,
    likeness: float = 0.5,
) -> str:
    """Returns a question that names the known names most like a misspelt one, or what to do where none is like it.

    Args:
        name: as it was written; case does not matter.
        known: the names that exist.
        otherwise: what to do where no known name is like it.
        most: how many names the question offers at most, 1 or more.
        likeness: least share of the letters that match, from 0 to 1, as ``difflib`` counts it.
    """
    by_lower = {each.lower(): each for each in known}
    close = [by_lower[each] for each in difflib.get_close_matches(name.lower(), by_lower, n=most, cutoff=likeness)]
    return f"did you mean {' or '.join(map(repr, close))}?" if close else otherwise


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Returns the error that a name does not exist, to be raised by the caller.

    Args:
        kind: what the name was to be of, such as ``metric``.
        name: as it was written.
        known: the names that exist.
    """
    names = list(known)
    return UnknownNameError(
        f"{kind} {name!r} is unknown", f"known are {', '.join(names) or 'none'}", did_you_mean(name, names)
    )


@contextmanager
def named_by_index(index: int) -> Iterator[None]:
    """Puts the index of a configuration before what is said of it.

    Args:
        index: its place among those that were given, from 0.

    Raises:
        InvalidConfigurationError: where the block raises one.
    """
    try:
        yield
    except InvalidConfigurationError as error:
        raise InvalidConfigurationError(f"configuration {index}: {error.given}", error.allowed, error.action) from error
