"""``bench plan``: the question that the options ask, and the answer to it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from datasets_cache.base_models.config import model_config
from datasets_cache.files.cache import cache_folder
from perfmodel.errors import InfeasibleBudgetError, InvalidConfigurationError
from perfmodel.files.sizes import parse_bytes
from perfmodel.memory.library_settings import OWN_LOOP, LibrarySettings
from perfmodel.memory.load import BatchLoad, Loop
from perfmodel.model.supported import dense_architecture
from perfmodel.planner.gpu_cards import Card, find_card
from perfmodel.planner.planner import make_plan
from perfmodel.planner.question import LARGEST_LENGTH, RANKS, Plan, Question
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RATES
from perfmodel.timing.device_profiles import DeviceProfile, shipped_profiles
from perfmodel.traces.trace import DeviceClass


@dataclass(frozen=True)
class Answer:
    """What the command says.

    Args:
        model: as asked.
        plan: of the asked choices.
        otherwise: the plan over all choices, where those that were asked for do not fit.
        profile: of the device, None where none is known.
        card: that was asked about; None where a budget was.
    """

    model: str
    plan: Plan
    otherwise: Plan | None
    profile: DeviceProfile | None
    card: Card | None = None


METHODS = {
    "qlora": (LibrarySettings("peft", autocast=True), (4,)),
    "lora": (LibrarySettings(autocast=True), (16,)),
    "full": (LibrarySettings(trains_all=True), (16,)),
    "own": (OWN_LOOP, DEFAULT_BITS),
}
"""By name: what PEFT, TRL and transformers do, and the widths to choose from; ``own`` is this project's loop."""


def question_of(
    model: str,
    recipe: Recipe,
    loop: str,
    answer_tokens: int | None,
    budget: int,
    device: DeviceClass,
    only: Mapping[str, float | None],
    method: str = "own",
    say: Callable[[str], None] = lambda _: None,
    accumulation: int = 1,
) -> Question:
    """Returns the question of a model, a load and a budget.

    Args:
        model: a config.json, a folder, a name or a hub id.
        recipe: of the fine-tune; its batch size and length are the load's.
        loop: ``own`` or ``trainer``: whose loop trains.
        answer_tokens: scored tokens of a batch; None for all of them.
        budget: bytes that must not be exceeded, above 0.
        device: where it is trained.
        only: the only ``bits``, ``rank`` and ``rate`` to look at, each None for all.
        method: one of ``METHODS``.
        say: told what is being waited for.
        accumulation: batches whose gradients are added up for a step, 1 or more.

    Raises:
        UserError: when the model or an option cannot be used; its leaves say which.
    """
    config = model_config(model, say)
    architecture, longest = dense_architecture(config), config.get("max_position_embeddings")
    batch, length = recipe.batch_size, recipe.max_length
    scored = batch * length if answer_tokens is None else answer_tokens
    load = BatchLoad(batch, length, scored, _loop(loop), accumulation=accumulation)
    bits, rank, rate = only["bits"], only["rank"], only["rate"]
    libraries, widths = _method(method)
    if device == "cpu" and libraries != OWN_LOOP:
        raise InvalidConfigurationError(
            f"--method {method} on a cpu", "it is modelled as PEFT and Trainer do it on cuda", "use --method own"
        )
    practice = method != "own"
    if bits is not None and bits not in DEFAULT_BITS:
        raise InvalidConfigurationError(
            f"--bits is {bits}", f"one of {', '.join(map(str, DEFAULT_BITS))}", "choose one"
        )
    if rate is not None and not 0 <= rate < 1:
        raise InvalidConfigurationError(f"--rate is {rate}", "a share of 0 or more and below 1", "write --rate 0.2")
    return Question(
        architecture,
        recipe,
        load,
        budget,
        device,
        bits=widths if bits is None else (int(bits),),
        ranks=_ranks(architecture.smallest_dimension, method) if rank is None else (int(rank),),
        rates=((0.0,) if practice else DEFAULT_RATES) if rate is None else (rate,),
        methods=DEFAULT_METHODS.with_format("nf4dq") if practice else DEFAULT_METHODS,
        libraries=libraries,
        longest=max(longest, length) if isinstance(longest, int) else LARGEST_LENGTH,
    )


def answer(
    model: str, question: Question, predictor: str | None, profile: DeviceProfile | None, card: Card | None = None
) -> Answer:
    """Returns the plan of a question, and where nothing fits that of all choices, or of 4-bit QLoRA beside PEFT's loop.

    Args:
        model: as asked.
        question: of the model.
        predictor: a saved one: its folder, or the name of one that is shipped; None for none.
        profile: of the device, None where none is known.
        card: that was asked about; None where a budget was.

    Raises:
        UserError: when the predictor cannot be used.
        InfeasibleBudgetError: when the budget is below the empty model.
    """
    loaded = None
    if predictor is not None:
        from perfmodel.predictor.predictor import Predictor

        loaded = Predictor.load(predictor)
    plan = make_plan(question, predictor=loaded, profile=profile)
    ranks = _ranks(question.architecture.smallest_dimension)
    wider = replace(question, bits=DEFAULT_BITS, ranks=ranks, rates=DEFAULT_RATES)
    if question.libraries != OWN_LOOP:
        libraries, bits = METHODS["qlora"]
        wider = replace(question, bits=bits, ranks=ranks, libraries=libraries)
    otherwise = None
    if not plan.fits and wider != question:
        with suppress(InfeasibleBudgetError):  # not even the other's empty model fits
            otherwise = make_plan(wider, predictor=loaded, profile=profile)
    return Answer(model, plan, otherwise, profile, card)


def budget_bytes(budget: str | None, gpu: str | None, device: DeviceClass) -> int:
    """Returns the bytes that must not be exceeded.

    Args:
        budget: a size such as ``12GiB``, or None with a card.
        gpu: a card's name, or None with a budget.
        device: where it is trained; a card belongs to ``cuda``.

    Raises:
        InvalidConfigurationError: when both or neither are given, or a card with the device ``cpu``.
        UnknownNameError: when there is no such card.
    """
    if (budget is None) == (gpu is None):
        raise InvalidConfigurationError(
            "both a budget and a card" if gpu else "neither a budget nor a card",
            "one of them says what must not be exceeded",
            "give --budget 12GiB or --gpu NAME",
        )
    if gpu is None:
        return parse_bytes(budget or "")
    if device == "cpu":
        raise InvalidConfigurationError(
            f"the card {gpu} with the device cpu", "a card belongs to cuda", "leave one of them out"
        )
    return find_card(gpu).memory_bytes


def find_profile(path: Path | None, gpu: str | None, device: DeviceClass) -> DeviceProfile | None:
    """Returns the profile of the device that is asked about, None where none is known.

    Args:
        path: of a profile; None takes the card's, or what ``bench calibrate`` left.
        gpu: a card's name, or None.
        device: where it is trained.

    Raises:
        InvalidConfigurationError: when the profile is of another device.
        CorruptFileError: when the profile cannot be read.
    """
    if path is not None:
        profile = DeviceProfile.load(path)
        if profile.device_class != device:
            raise InvalidConfigurationError(
                f"the profile is of {profile.device_class}",
                f"the plan is for {device}",
                f"calibrate there, or ask with --device {profile.device_class}",
            )
        return profile
    if gpu is not None:
        return shipped_profiles().get(find_card(gpu).name)
    here = calibrated_path(device)
    return DeviceProfile.load(here) if here.is_file() else None


def calibrated_path(device_class: DeviceClass) -> Path:
    """Returns where ``bench calibrate`` leaves the profile of a device class."""
    return cache_folder() / "device_profiles" / f"{device_class}.json"


def device_named(name: str) -> DeviceClass:
    """Returns a device class by its name.

    Raises:
        InvalidConfigurationError: when there is none of that name.
    """
    devices: tuple[DeviceClass, ...] = get_args(DeviceClass)
    for device in devices:
        if device == name:
            return device
    raise InvalidConfigurationError(f"the device {name!r}", f"allowed are {', '.join(devices)}", "choose one of these")


def _loop(name: str) -> Loop:
    loops: tuple[Loop, ...] = get_args(Loop)
    for loop in loops:
        if loop == name:
            return loop
    raise InvalidConfigurationError(f"--loop is {name!r}", f"one of {', '.join(loops)}", "choose one of these")


def _ranks(smallest_dimension: int, method: str = "own") -> tuple[int, ...]:
    ranks = tuple(rank for rank in RANKS if rank <= smallest_dimension)
    return ranks[:1] if method == "full" else ranks  # all weights are trained, so that no rank matters


def _method(name: str) -> tuple[LibrarySettings, tuple[int, ...]]:
    if name not in METHODS:
        raise InvalidConfigurationError(f"--method is {name!r}", f"one of {', '.join(METHODS)}", "choose one of these")
    return METHODS[name]
