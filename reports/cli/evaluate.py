"""Scores an exported model on a task, by this project's own scoring and, where asked, by lm-evaluation-harness too."""

from collections.abc import Callable
from pathlib import Path

from datasets_cache import load_task, own_data
from datasets_cache.base_models.loading import quiet_transformers
from perfmodel.errors import CorruptFileError, InvalidTaskError
from perfmodel.space.metrics import ACCURACY, LOSS
from perfmodel.space.recipe import Recipe
from perfmodel.traces.trace import DeviceClass
from reports.run.progress import bar


def evaluate_model(
    folder: Path, task: str | None, examples: int | None, say: Callable[[str], None], *, with_lm_eval: bool
) -> dict[str, float | int | str]:
    """Returns the scores of an exported model.

    Args:
        folder: that ``bench export`` wrote.
        task: to score it on; None takes the one it was fine-tuned on.
        examples: held-out examples; None takes as many as its recipe.
        say: told what is going on.
        with_lm_eval: whether lm-evaluation-harness scores the same examples; it knows the online tasks only.

    Raises:
        CorruptFileError: when a file is missing or damaged.
        UnknownNameError: when there is no such task.
        InvalidTaskError: when lm-evaluation-harness does not know the task, or no example is short enough.
    """
    from dataclasses import replace

    if not (folder / "model.json").is_file():  # before torch is loaded
        raise CorruptFileError(f"{folder} holds no model", "a folder that bench export wrote", "export a model to it")

    import torch
    from transformers import AutoTokenizer

    from collectors.scoring.encode import encode
    from collectors.scoring.evaluate import batches, evaluate
    from collectors.scoring.largest_batch import LargestBatch
    from collectors.scoring.lm_eval_check import evaluate_with_lm_eval
    from collectors.trial.saved_model import load_model, read_saved

    details = read_saved(folder)["details"]
    recipe = Recipe(**details["recipe"])
    recipe = replace(recipe, eval_examples=examples or recipe.eval_examples)
    loaded = load_task(task or _trained_on(details["task"]), progress=say)
    device_class: DeviceClass = "cuda" if torch.cuda.is_available() else "cpu"
    with bar("loading", None), quiet_transformers():
        model = load_model(folder, device_class)
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    held_out = encode(loaded.held_out, tokenizer, recipe.max_length)[: recipe.eval_examples]
    # The batches of its trial: int8 rounds activations, so that a score follows its batches in the last digits.
    largest = LargestBatch(**details["largest_batch"]) if "largest_batch" in details else None
    with bar(f"scoring {len(held_out)} examples", batches(held_out, largest)) as advance:
        scores = evaluate(model, held_out, torch.device(device_class), advance, largest=largest)
    result: dict[str, float | int | str] = {
        "task": loaded.name,
        "examples": scores.examples,
        LOSS: scores.loss,
        ACCURACY: scores.accuracy,
    }
    if with_lm_eval:
        with bar("lm-evaluation-harness", None):
            result["lm_eval_accuracy"] = evaluate_with_lm_eval(model, tokenizer, loaded, recipe).accuracy
    return result


def _trained_on(name: str) -> str:
    """Returns the name of the task that a model was fine-tuned on, after it was found here."""
    path = own_data(name)
    if path is not None and not path.exists():
        raise InvalidTaskError(
            f"{path}, which the model was fine-tuned on, is not in this folder", "data to score", "name them: --task"
        )
    return name
