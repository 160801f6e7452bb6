"""``bench plan`` and ``bench calibrate``: from options to printed answers and an exit status."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from datasets_cache.base_models.config import model_location
from perfmodel.errors import InfeasibleBudgetError, InvalidConfigurationError
from perfmodel.files.sizes import gibibytes
from perfmodel.planner.gpu_cards import Card
from perfmodel.planner.question import Question
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.traces.trace import Trace
from reports.plan.record import Answer, answer, calibrated_path, device_named
from reports.plan.sentence import named
from reports.plan.tables import VERSION, as_values, print_answer

USUAL_RATES = {"adapters": 2e-4, "all weights": 2e-5}
"""Learning rates of a written file. Source: QLoRA (arXiv 2305.14314), table 9; Llama 2 (arXiv 2307.09288), 3.1."""


@dataclass(frozen=True)
class WrittenFile:
    """A file that fine-tunes one choice of a plan.

    Args:
        library: one of ``reports.training_files.write.LIBRARIES``.
        row: number of the choice, from 1.
        data: hub id or folder of the data set.
        folder: to write to.
    """

    library: str
    row: int
    data: str
    folder: Path


def plan_command(
    model: str,
    question: Question,
    predictor: str | None,
    profile: DeviceProfile | None,
    *,
    as_json: bool,
    picture: Path | None,
    card: Card | None = None,
    wanted: WrittenFile | None = None,
) -> int:
    """Returns the exit status of ``bench plan``: 0 where something fits, 1 where nothing does.

    Args:
        model: as asked.
        question: of the model.
        predictor: a saved one: its folder, or the name of one that is shipped; None for none.
        profile: of the device, None where none is known.
        as_json: print JSON instead of tables.
        picture: file to draw to: .svg, .png, or .html for a page; None for none.
        card: that was asked about; None where a budget was.
        wanted: file that fine-tunes one of the choices; None for none.

    Raises:
        UserError: when an option cannot be used.
    """
    try:
        answered = answer(model, question, predictor, profile, card)
    except InfeasibleBudgetError as error:
        # For a script that asks whether something fits, this is the answer no and not a mistake of the caller.
        sys.stderr.write(f"bench: {error}\n")
        if as_json:
            sys.stdout.write(json.dumps({"version": VERSION, "fits": False, "reason": str(error)}) + "\n")
        return 1
    if picture is not None:
        from reports.plan.page import save_picture

        save_picture(answered, picture)
    if wanted is not None:
        _say(_written(answered, wanted))
    if as_json:
        sys.stdout.write(json.dumps(as_values(answered), indent=1) + "\n")
    else:
        print_answer(answered)
    return 0 if answered.plan.fits else 1


def _written(answered: Answer, wanted: WrittenFile) -> str:
    """Returns what to do with the file that was written."""
    from reports.training_files.training import Training
    from reports.training_files.write import LIBRARIES, write_training_file

    plan, card = answered.plan, answered.card
    if wanted.row > len(plan.choices):
        raise InvalidConfigurationError(
            f"--row is {wanted.row}", f"{len(plan.choices)} choices fit", "choose one of these, or ask for less"
        )
    question, choice = plan.question, plan.choices[wanted.row - 1]
    rate = USUAL_RATES["adapters" if any(choice.configuration.ranks) else "all weights"]
    training = Training(
        model_location(answered.model),
        question.architecture,
        choice.configuration,
        replace(question.recipe, learning_rate=rate),
        question.load.accumulation,
        wanted.data,
        bfloat16=card is None or card.bfloat16,
    )
    what = f"{answered.model}: {named(choice)}, planned peak {gibibytes(choice.peak_bytes)}"
    path = write_training_file(wanted.library, training, what, wanted.folder)
    made = LIBRARIES[wanted.library]
    return f"{path} is written for {made.versions}; run: {made.command} {path.name}"


def calibrate_command(
    device: str | None, to: Path | None, traces: Path | None = None, threads: int | None = None
) -> Path:
    """Returns the file of the profile that was measured.

    Args:
        device: ``cuda``, ``cpu`` or None for the best there is.
        to: the file, or None for the one that ``bench plan`` reads.
        traces: a trace store or a Parquet file of traces, from which the correction is learned; None for none.
        threads: of torch on a CPU, or None for its own choice.

    Raises:
        InvalidConfigurationError: when there is no such device.
        CorruptFileError: when the traces cannot be read.
        OutputFolderError: when the file cannot be written.
    """
    if device is not None:
        device_named(device)
    known: list[Trace] = []
    if traces is not None:  # before a minute is spent on measuring
        from perfmodel.traces.any_file import traces_of

        known = traces_of(traces)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    from collectors.device.calibrate import STAGES, calibrate, present_device
    from reports.run.progress import bar

    present = present_device(device)
    with bar("calibrating", STAGES[present]) as advance:
        profile = calibrate(present, advance)
    if traces is not None:
        from collectors.device.learned_time import learned

        found = learned(profile, known)
        profile = found.profile
        _say(found.told())
    path = to or calibrated_path(profile.device_class)
    profile.save(path)
    return path


def _say(line: str) -> None:
    from reports.run.progress import say

    say(line)
