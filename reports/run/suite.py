"""What a run does: the suite file, validated, with ``key=value`` overrides."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from collectors.trial.retention import Retention
from perfmodel.errors import InvalidSuiteError, did_you_mean, unknown_name
from perfmodel.files.sizes import parse_quantity
from perfmodel.space.methods import DEFAULT_METHODS, Methods
from perfmodel.space.metrics import ACCURACY, LOSS, METRICS, PEAK
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RANKS, DEFAULT_RATES, Unit
from perfmodel.surrogates.registry import SURROGATES
from perfmodel.traces.trace import Status
from search.registry import SEARCHERS

TrialPlan = Literal["stratified", "design", "pilot", "capacity", "run_lengths"]


def parse_workers(value: object) -> int | Literal["auto"]:
    """Returns the number of worker processes, or ``auto``.

    Raises:
        ValueError: when it is neither.
    """
    if value == "auto":
        return "auto"
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("write auto, or a number of processes of 1 or more")
    return value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpaceSection(_Section):
    """Which choices are legal, by layer or by linear module."""

    unit: Unit = "layer"
    pruning_rates: tuple[float, ...] = DEFAULT_RATES
    bits: tuple[int, ...] = DEFAULT_BITS
    ranks: tuple[int, ...] = DEFAULT_RANKS


class MethodsSection(_Section):
    """How configurations are carried out; formats take the place of the defaults at their widths."""

    pruning_method: str = DEFAULT_METHODS.pruning_method
    pruning_scope: str = DEFAULT_METHODS.pruning_scope
    formats: tuple[str, ...] = ()
    initializer: str = DEFAULT_METHODS.initializer
    adapter: str = DEFAULT_METHODS.adapter

    def chosen(self) -> Methods:
        """Returns the methods.

        Raises:
            InvalidConfigurationError: when a name is unknown or two choices exclude each other.
        """
        methods = Methods(**self.model_dump(exclude={"formats"}))
        for name in self.formats:
            methods = methods.with_format(name)
        return methods


class CollectSection(_Section):
    """Trials that the run makes before it fits anything, and who carries out all of its trials.

    Only the plan ``stratified`` takes the numbers below; the others settle what they run, but for the seeds, and all
    but ``design`` are of several recipes. ``trials`` cuts any plan short.
    """

    plan: TrialPlan = "stratified"
    configurations: Annotated[int, Field(ge=0)] = 3
    repeated: Annotated[int, Field(ge=0)] = 0
    baselines: bool = True
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    plan_seed: int = 0
    trials: Annotated[int | None, Field(ge=1)] = None
    workers: Annotated[int | Literal["auto"], PlainValidator(parse_workers)] = "auto"
    timeout_s: Annotated[float, Field(gt=0)] = 3600.0
    executor: Literal["inline", "local", "ray"] = "local"
    address: str | None = None
    gpu_share: Annotated[float, Field(gt=0)] = 1.0
    keep: Retention = "nothing"
    retry: tuple[Status, ...] = ()


class FitSection(_Section):
    """What the surrogates learn from, beside the run's own trials."""

    shelf: str | None = None
    surrogates: tuple[str, ...] | None = None
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = (LOSS, ACCURACY, PEAK)


class SearchSection(_Section):
    """Which searchers run, for how many evaluations of the surrogates each."""

    evaluations: Annotated[Mapping[str, Annotated[int, Field(ge=1)]], Field(min_length=1)] = {
        "random": 5000,
        "nsga2": 5000,
    }
    batch: Annotated[int, Field(ge=1)] = 50
    seed: int = 0


class ValidateSection(_Section):
    """Real fine-tunes of what was proposed, with seeds of their own.

    Points of the front are run with every seed, random configurations with the first, and the references that people
    know (16-bit LoRA, QLoRA, 8-bit LoRA) with the first ``reference_runs``.
    """

    front: Annotated[int, Field(ge=1, le=26)] = 3
    random: Annotated[int, Field(ge=0)] = 2
    references: Annotated[int, Field(ge=0, le=3)] = 3
    reference_runs: Annotated[int, Field(ge=1)] = 1
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (101,)
    keep: Retention = "adapter"


class Suite(_Section):
    """One run: a setting, a space, and what each stage does in it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    model: str = "smollm2-135m"
    task: str
    device: Literal["auto", "cpu", "cuda"] = "auto"
    objectives: Annotated[tuple[str, ...], Field(min_length=2, max_length=4)] = (LOSS, PEAK)
    budget: Mapping[str, Annotated[float, BeforeValidator(parse_quantity)]] = {}
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

    path = _find(name_or_path)
    try:
        values = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InvalidSuiteError(f"{path} is no YAML ({reason})", "a YAML mapping", "mend the file") from error
    except OSError as error:
        raise InvalidSuiteError(f"{path} cannot be read ({error.strerror})", "a YAML file", "check the file") from error
    if not isinstance(values, dict):
        raise InvalidSuiteError(f"{path} holds no mapping", "keys such as name and task", "mend the file")
    for override in overrides:
        _apply(values, override)
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
        raise _explained(error) from error
    _check_names("metric", (*suite.objectives, *suite.budget, *suite.fit.metrics), METRICS)
    _check_names("surrogate", suite.fit.surrogates or (), SURROGATES)
    _check_names("searcher", suite.search.evaluations, SEARCHERS)
    suite.methods.chosen()
    _check_plan(suite.collect)
    if len(set(suite.objectives)) < len(suite.objectives):
        raise InvalidSuiteError(f"objectives are {suite.objectives}", "each counts once", "remove the repeated one")
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
    path = Path(name_or_path)
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
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidSuiteError(
            f"override {override!r}", "the value is YAML, for example 3, 12GiB or [0, 1]", "mend the value"
        ) from error


def _explained(error: ValidationError) -> InvalidSuiteError:
    unknown = ("extra_forbidden", "unexpected_keyword_argument")
    # An unknown key first: where "task" is misspelt, that it is missing is only half of what is wrong.
    first = min(error.errors(), key=lambda each: each["type"] not in unknown)
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] in unknown:
        known = _keys(first["loc"][:-1])
        return InvalidSuiteError(
            f"the suite has the key {place!r}",
            f"keys there are {', '.join(known)}",
            did_you_mean(str(first["loc"][-1]), known),
        )
    if first["type"] == "missing":
        return InvalidSuiteError(f"the suite lacks {place!r}", "it is needed", "add it")
    return InvalidSuiteError(f"{place} is {first['input']!r}", first["msg"], "change it in the suite")


def _keys(place: Sequence[int | str]) -> list[str]:
    section: Any = Suite
    for part in place:
        section = next(field.annotation for name, field in section.model_fields.items() if part in (name, field.alias))
    fields = getattr(section, "model_fields", None)
    if fields is None:
        return list(section.__dataclass_fields__)
    return [field.alias or name for name, field in fields.items()]
