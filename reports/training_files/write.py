"""The file of each library, by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfmodel.errors import unknown_name
from perfmodel.files.whole_file import write_whole
from reports.training_files.declarations import axolotl, llama_factory
from reports.training_files.scripts import deepspeed_script, peft_script, trl_script, unsloth_script
from reports.training_files.training import Training


@dataclass(frozen=True)
class Library:
    """A library that fine-tunes.

    Args:
        file: name of the file that is written.
        command: that runs it, without the file's name.
        versions: that the file was made for.
        render: from a fine-tune and the lines at the head to the whole text.
    """

    file: str
    command: str
    versions: str
    render: Callable[[Training, str], str]


BNB = "transformers 5.23, peft 0.21 and bitsandbytes 0.50"
LIBRARIES = {
    "trl": Library("train_trl.py", "python", f"trl 1.16, {BNB}", trl_script),
    "peft": Library("train_peft.py", "python", BNB, peft_script),
    "axolotl": Library("axolotl.yaml", "axolotl train", "axolotl 0.19", axolotl),
    "llama-factory": Library("llama_factory.yaml", "llamafactory-cli train", "llamafactory 0.9.5", llama_factory),
    "unsloth": Library("train_unsloth.py", "python", "unsloth 2026.10.9", unsloth_script),
    "deepspeed": Library("train_deepspeed.py", "deepspeed", f"deepspeed 0.19, {BNB}", deepspeed_script),
}
"""By the name that ``bench plan --write`` takes."""


def training_file(library: str, training: Training, what: str) -> str:
    """Returns the text of the file by which a library carries out a fine-tune.

    Args:
        library: one of ``LIBRARIES``.
        training: the fine-tune.
        what: what it is, in one line for the head of the file.

    Raises:
        UnknownNameError: when there is no such library.
        InvalidConfigurationError: when the library cannot carry it out.
    """
    if library not in LIBRARIES:
        raise unknown_name("library", library, LIBRARIES)
    made = LIBRARIES[library]
    column = "columns instruction, input and output" if library == "llama-factory" else "a column text"
    head = f"# {what}\n# Made for {made.versions}. Run: {made.command} {made.file}\n"
    return made.render(training, f"{head}# Data: {training.data}, a hub id or a folder of JSON Lines with {column}.\n")


def write_training_file(library: str, training: Training, what: str, folder: Path) -> Path:
    """Returns the path of the file that was written.

    Args:
        library: one of ``LIBRARIES``.
        training: the fine-tune.
        what: what it is, in one line for the head of the file.
        folder: to write to.

    Raises:
        UnknownNameError: when there is no such library.
        InvalidConfigurationError: when the library cannot carry it out.
        OutputFolderError: when the file cannot be written.
    """
    text = training_file(library, training, what)
    path = folder / LIBRARIES[library].file
    write_whole(path, text)
    return path
