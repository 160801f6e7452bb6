"""Predictors that come with the package, by name: fitted to the traces of a published release, one a task.

    predictor_data/<release>/<task>/        what ``Predictor.save`` wrote
    predictor_data/<release>/fitted_to.json the traces that they were fitted to

They are written by ``python -m datasets_cache.release.predictors``.
"""

from pathlib import Path

from perfmodel.errors import UnknownNameError, did_you_mean
from perfmodel.files.possible_path import possible_path
from perfmodel.predictor.record import FILE

PREDICTOR_DATA = Path(__file__).parent / "predictor_data"


def predictor_names(folder: Path = PREDICTOR_DATA) -> tuple[str, ...]:
    """Returns the names of the predictors that are shipped, each a release and a task, sorted.

    Args:
        folder: that holds the releases, as ``PREDICTOR_DATA`` does.
    """
    return tuple(sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob(f"*/*/{FILE}")))


def predictor_folder(name: str | Path, folder: Path = PREDICTOR_DATA) -> Path:
    """Returns where a predictor lies.

    Args:
        name: a folder, which is returned as it is; or, where a text names no folder that exists, ``<release>/<task>``,
            or ``<release>`` where it has a single task.
        folder: that holds those with names.

    Raises:
        UnknownNameError: when no predictor has that name, or several have.
    """
    if isinstance(name, Path) or possible_path(name).is_dir():
        return Path(name)
    names = predictor_names(folder)
    found = [each for each in names if name in {each, each.partition("/")[0]}]
    if len(found) == 1:
        return folder / found[0]
    if found:
        raise UnknownNameError(
            f"release {name!r} has predictors of {len(found)} tasks", f"they are {', '.join(found)}", "name one of them"
        )
    alike = sorted({*names, *(each.partition("/")[0] for each in names)})
    raise UnknownNameError(
        f"there is no folder and no predictor {name!r}",
        f"predictors that come with the package are {', '.join(names) or 'none'}",
        did_you_mean(name, alike, "name one of them, or a folder with one"),
    )
