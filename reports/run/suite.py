"""What a run does: the suite file, validated, with ``key=value`` overrides."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from math import isinf
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from datasets_cache import own_data
from perfmodel.errors import InvalidSuiteError, did_you_mean, unknown_name
from perfmodel.files.possible_path import possible_path
from perfmodel.files.sizes import parse_quantity
from perfmodel.space.metrics import LOSS, METRICS, PEAK
from perfmodel.space.recipe import Recipe
from perfmodel.surrogates.registry import SURROGATES
from reports.run.sections import (
    CollectSection,
    FitSection,
    MethodsSection,
    SearchSection,
    Section,
    SpaceSection,
    ValidateSection,
)
from reports.run.suite_faults import explained
from search.registry import SEARCHERS


def budget_of_memory(value: object) -> object:
    """Returns a budget by metric: a size alone is one of the peak of memory.

    Args:
        value: a mapping, which is returned as it is, or a size such as ``450MB``.
    """
    return {PEAK: value} if isinstance(value, (str, int, float)) else value


class Suite(Section):
    """One run: a setting, a space, and what each stage does in it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Name of the run, and of its folder under runs/."""
    model: str = "smollm2-135m"
    """Base model: the embedded one, a checkpoint's folder or a hub id."""
    task: str
    """A shipped task, a task of the hub, or your own: a .jsonl, .json, .csv or .parquet file or a folder of them."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where fine-tunes run; auto: cuda where there is one."""
    objectives: Annotated[tuple[str, ...], Field(min_length=2, max_length=4)] = (LOSS, PEAK)
    """Metrics that are traded against each other."""
    budget: Annotated[
        Mapping[str, Annotated[float, BeforeValidator(parse_quantity)]], BeforeValidator(budget_of_memory)
    ] = {}
    """Largest allowed value by metric; a size alone, such as budget=450MB, is peak_memory_bytes."""
    recipe: Recipe = Recipe()
    space: SpaceSection = SpaceSection()
    methods: MethodsSection = MethodsSection()
    collect: CollectSection = CollectSection()
    fit: FitSection = FitSection()
    search: SearchSection = SearchSection()
    validation: Annotated[ValidateSection, Field(alias="validate")] = ValidateSection()


def load_suite(name_or_path: str, overrides: Sequence[str] = ()) -> Suite:
    """Returns the suite of a shipped name or of a YAML file.

    Args:
        name_or_path: a shipped suite's name, or the path of a file.
        overrides: ``key=value`` or ``section.key=value``, the value as YAML.

    Raises:
        InvalidSuiteError: when the file or an override is missing, no YAML, or names what does not exist.
    """
    import yaml

    from reports.run.unique_keys import load_yaml

    path = _find(name_or_path)
    try:
        values = load_yaml(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InvalidSuiteError(f"{path} is no YAML ({reason})", "a YAML mapping", "mend the file") from error
    except OSError as error:
        raise InvalidSuiteError(f"{path} cannot be read ({error.strerror})", "a YAML file", "check the file") from error
    if not isinstance(values, dict):
        raise InvalidSuiteError(f"{path} holds no mapping", "keys such as name and task", "mend the file")
    keys = [override.partition("=")[0] for override in overrides]
    for key, override in zip(keys, overrides, strict=True):
        if keys.count(key) > 1:
            raise InvalidSuiteError(f"{key} is given {keys.count(key)} times", "each key once", "leave one of them out")
        _apply(values, override)
    task = values.get("task")
    if isinstance(task, str) and (own := own_data(task)) is not None and own.exists():
        values["task"] = str(own.resolve())  # so that the run's exports find it from any folder
    return parse_suite(values)


def parse_suite(values: Mapping[str, Any]) -> Suite:
    """Returns the suite that plain values describe.

    Raises:
        InvalidSuiteError: naming the first key that is unknown or illegal.
        InvalidConfigurationError: naming a recipe's or a method's illegal value.
    """
    try:
        suite = Suite.model_validate(values)
    except ValidationError as error:
        raise explained(error, Suite) from error
    _check_names("metric", (*suite.objectives, *suite.budget, *suite.fit.metrics), METRICS)
    _check_names("surrogate", suite.fit.surrogates or (), SURROGATES)
    _check_names("searcher", suite.search.evaluations, SEARCHERS)
    suite.methods.chosen()
    _check_plan(suite.collect)
    if len(set(suite.objectives)) < len(suite.objectives):
        raise InvalidSuiteError(f"objectives are {suite.objectives}", "each counts once", "remove the repeated one")
    for name, limit in suite.budget.items():
        metric = METRICS[name]
        if not metric.lower < limit <= metric.upper:
            highest = "" if isinf(metric.upper) else f" and at most {metric.upper:g}"
            raise InvalidSuiteError(
                f"budget.{name} is {limit:g}",
                f"a number above {metric.lower:g}{highest}, in {metric.unit}",
                "change the budget",
            )
    for name in (*suite.objectives, *suite.budget):
        if name not in suite.fit.metrics:
            raise InvalidSuiteError(
                f"{name!r} is an objective or budget", f"fit.metrics are {', '.join(suite.fit.metrics)}", "add it there"
            )
    return suite


def _check_plan(section: CollectSection) -> None:
    for name in ("configurations", "repeated", "baselines"):
        if section.plan != "stratified" and getattr(section, name) != type(section).model_fields[name].default:
            raise InvalidSuiteError(
                f"collect.{name} stands beside collect.plan={section.plan}",
                "only the plan stratified takes it",
                f"leave collect.{name} out, or take collect.plan=stratified",
            )


def shipped_suites() -> tuple[str, ...]:
    """Returns the names of the suites that come with the project."""
    return tuple(sorted(entry.name[: -len(".yaml")] for entry in _shipped().iterdir() if entry.name.endswith(".yaml")))


def _shipped() -> Path:
    return Path(str(files("reports"))) / "suites"


def _find(name_or_path: str) -> Path:
    path = possible_path(name_or_path)
    if path.is_file():
        return path
    if name_or_path in shipped_suites():
        return _shipped() / f"{name_or_path}.yaml"
    raise InvalidSuiteError(
        f"there is no suite {name_or_path!r}",
        f"a YAML file, or one of {', '.join(shipped_suites())}",
        did_you_mean(name_or_path, shipped_suites()),
    )


def _check_names(kind: str, names: Iterable[str], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            found = unknown_name(kind, name, known)
            raise InvalidSuiteError(found.given, found.allowed, found.action)


def _apply(values: dict[str, Any], override: str) -> None:
    import yaml

    from reports.run.unique_keys import load_yaml

    key, equals, text = override.partition("=")
    if not equals or not key:
        raise InvalidSuiteError(f"override {override!r}", "overrides read key=value", "for example collect.seeds=[0,1]")
    *sections, last = key.split(".")
    place: Any = values
    for section in sections:
        if isinstance(place, dict) and place.get(section) is None:
            place[section] = {}
        place = place[section] if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise InvalidSuiteError(f"override {override!r}", f"{'.'.join(sections)} is no section", "check the key")
    try:
        place[last] = load_yaml(text)
    except yaml.YAMLError as error:
        raise InvalidSuiteError(
            f"override {override!r}", "the value is YAML, for example 3, 12GiB or [0, 1]", "mend the value"
        ) from error
