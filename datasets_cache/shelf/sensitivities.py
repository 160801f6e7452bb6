"""Sensitivities by model and task: those shipped with the package, and those measured here by ``bench sense``."""

from pathlib import Path

from datasets_cache.files.cache import cache_folder
from perfmodel.errors import UnknownNameError
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.space.space import Unit

SENSITIVITY_DATA = Path(__file__).parent / "sensitivity_data"


def sensitivities_path(model: str, task: str, unit: Unit = "layer") -> Path:
    """Returns the file in the cache where ``bench sense`` puts its record unless it is told another.

    Args:
        model: name of the base model.
        task: name of the task, or the path of its file.
        unit: ``layer`` or ``module``.
    """
    return cache_folder() / "sensitivities" / _file_name(model, task, unit)


def shipped_sensitivities() -> tuple[tuple[str, str], ...]:
    """Returns the models and tasks whose records by layer come with this version, sorted."""
    names = sorted(path.stem for path in SENSITIVITY_DATA.glob("*.json"))
    return tuple((model, task) for model, _, task in (name.rpartition(".") for name in names))


def load_sensitivities(model: str, task: str, unit: Unit = "layer") -> Sensitivities:
    """Returns the sensitivities of a model on a task; those measured here win over shipped ones.

    The name does not prove which weights and examples were used: compare the record's sha256 of model and task.

    Args:
        model: name of the base model.
        task: name of the task, or the path of its file.
        unit: ``layer`` or ``module``.

    Raises:
        UnknownNameError: when there is none.
        CorruptFileError: when the file is damaged.
        SchemaVersionError: when a newer version wrote it.
    """
    shipped = SENSITIVITY_DATA / _file_name(model, task, unit)
    for path in (sensitivities_path(model, task, unit), shipped):
        if path.is_file():
            return Sensitivities.load(path)
    known = ", ".join(f"{model} on {task}" for model, task in shipped_sensitivities())
    raise UnknownNameError(
        f"there are no sensitivities of {model} on {task} by {unit}",
        f"those by layer that come with the package are of {known}",
        f"measure them: bench sense --model {model} --task {task} --unit {unit}",
    )


def _file_name(model: str, task: str, unit: Unit) -> str:
    # A hub id and a task of a local copy hold slashes.
    plain = f"{model}.{task}".replace("/", "--")
    return f"{plain}.json" if unit == "layer" else f"{plain}.{unit}.json"
