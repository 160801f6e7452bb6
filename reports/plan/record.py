"""``bench plan``: what a fine-tune takes, and the best one that fits, as a table, as JSON and as a picture."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from datasets_cache.base_models.config import model_config
from datasets_cache.files.cache import cache_folder
from perfmodel.errors import InvalidConfigurationError
from perfmodel.files.sizes import parse_bytes
from perfmodel.memory.peak import Load, Loop
from perfmodel.model.supported import dense_architecture
from perfmodel.planner.gpu_cards import find_card
from perfmodel.planner.planner import make_plan
from perfmodel.planner.question import LARGEST_LENGTH, RANKS, Plan, Question
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RATES
from perfmodel.timing.device_profiles import DeviceProfile, shipped_profiles
from perfmodel.traces.trace import DeviceClass


@dataclass(frozen=True)
class Asked:
    """The options of the command, as they were given.

    Args:
        model: a config.json, a folder, a name or a hub id.
        budget: a size, or None with a card.
        gpu: a card's name, or None with a budget.
        batch: examples a step.
        length: tokens of an example.
        answer_tokens: scored tokens of the batch; None for all of them.
        loop: ``own`` or ``trainer``: whose loop trains.
        bits: the only width to look at, or None.
        rank: the only rank, or None.
        rate: the only pruning rate, or None.
        optimizer: of the recipe.
        gradient_checkpointing: of the recipe.
        steps: of the recipe.
        device: ``cuda`` or ``cpu``.
        predictor: a saved one: its folder, or the name of one that is shipped; or None.
        profile: file of a device profile; None takes the present device's, or the card's.
    """

    model: str
    budget: str | None = None
    gpu: str | None = None
    batch: int = 1
    length: int = 1024
    answer_tokens: int | None = None
    loop: Any = "own"
    bits: int | None = None
    rank: int | None = None
    rate: float | None = None
    optimizer: Any = "adamw"
    gradient_checkpointing: bool = False
    steps: int = 1000
    device: DeviceClass = "cuda"
    predictor: str | None = None
    profile: Path | None = None


@dataclass(frozen=True)
class Answer:
    """What the command says.

    Args:
        model: as asked.
        plan: of the asked choices.
        otherwise: the plan over all choices, where those that were asked for do not fit.
        profile: of the device, None where none is known.
    """

    model: str
    plan: Plan
    otherwise: Plan | None
    profile: DeviceProfile | None


def answer(asked: Asked, say: Callable[[str], None]) -> Answer:
    """Returns the plan that the options ask for.

    Args:
        asked: the options.
        say: told what is being waited for.

    Raises:
        UserError: when an option, the model or the card cannot be used; its leaves say which.
        InfeasibleBudgetError: when the budget is below the empty model.
    """
    config = model_config(asked.model, say)
    architecture = dense_architecture(config)
    longest = config.get("max_position_embeddings")
    recipe = Recipe(
        steps=asked.steps,
        curve_points=1,
        batch_size=asked.batch,
        max_length=asked.length,
        optimizer=asked.optimizer,
        gradient_checkpointing=asked.gradient_checkpointing,
    )
    scored = asked.batch * asked.length if asked.answer_tokens is None else asked.answer_tokens
    question = Question(
        architecture=architecture,
        recipe=recipe,
        load=Load(asked.batch, asked.length, scored, _loop(asked.loop)),
        budget_bytes=_budget(asked),
        device_class=asked.device,
        longest=max(longest, asked.length) if isinstance(longest, int) else LARGEST_LENGTH,
    )
    profile = _profile(asked)
    predictor = None
    if asked.predictor is not None:
        from perfmodel.predictor.predictor import Predictor

        predictor = Predictor.load(asked.predictor)
    limited = replace(question, **_limits(asked, architecture.smallest_dimension))
    plan = make_plan(limited, predictor=predictor, profile=profile)
    wider = replace(question, ranks=tuple(rank for rank in RANKS if rank <= architecture.smallest_dimension))
    otherwise = None
    if not plan.fits and (asked.bits, asked.rank, asked.rate) != (None, None, None):
        otherwise = make_plan(wider, predictor=predictor, profile=profile)
    return Answer(asked.model, plan, otherwise, profile)


def calibrated_path(device_class: DeviceClass) -> Path:
    """Returns where ``bench calibrate`` leaves the profile of a device class."""
    return cache_folder() / "device_profiles" / f"{device_class}.json"


def _loop(name: str) -> Loop:
    """Returns a loop by its name.

    Raises:
        InvalidConfigurationError: when there is none of that name.
    """
    loops: tuple[Loop, ...] = get_args(Loop)
    for loop in loops:
        if loop == name:
            return loop
    raise InvalidConfigurationError(f"--loop is {name!r}", f"one of {', '.join(loops)}", "choose one of these")


def _limits(asked: Asked, smallest_dimension: int) -> dict[str, Any]:
    ranks = tuple(rank for rank in RANKS if rank <= smallest_dimension) if asked.rank is None else (asked.rank,)
    return {
        "bits": DEFAULT_BITS if asked.bits is None else (asked.bits,),
        "ranks": ranks,
        "rates": DEFAULT_RATES if asked.rate is None else (asked.rate,),
    }


def _budget(asked: Asked) -> int:
    if (asked.budget is None) == (asked.gpu is None):
        raise InvalidConfigurationError(
            "both a budget and a card" if asked.gpu else "neither a budget nor a card",
            "one of them says what must not be exceeded",
            "give --budget 12GiB or --gpu NAME",
        )
    if asked.gpu is None:
        return parse_bytes(asked.budget or "")
    if asked.device == "cpu":
        raise InvalidConfigurationError(
            f"the card {asked.gpu} with the device cpu", "a card belongs to cuda", "leave one of them out"
        )
    return find_card(asked.gpu).memory_bytes


def _profile(asked: Asked) -> DeviceProfile | None:
    if asked.profile is not None:
        profile = DeviceProfile.load(asked.profile)
        if profile.device_class != asked.device:
            raise InvalidConfigurationError(
                f"the profile is of {profile.device_class}",
                f"the plan is for {asked.device}",
                f"calibrate there, or ask with --device {profile.device_class}",
            )
        return profile
    if asked.gpu is not None:
        return shipped_profiles().get(find_card(asked.gpu).name)
    here = calibrated_path(asked.device)
    return DeviceProfile.load(here) if here.is_file() else None
