"""The same accuracy by lm-evaluation-harness itself: a check of our prompts and scores, and of a finished model.

Source: Gao et al., https://github.com/EleutherAI/lm-evaluation-harness; its own task files are used, with nothing
changed but where the rows come from and the number of examples before the question, which is none.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from collectors.scoring.encode import encode
from collectors.scoring.evaluate import EVAL_BATCH
from datasets_cache import Example, Task
from datasets_cache.tasks.hub import HubTask, hub_source, read_held_out
from perfmodel.errors import InvalidTaskError
from perfmodel.files.optional import needs_extra
from perfmodel.space.recipe import Recipe

TASK_FILES: Mapping[str, str] = {
    "arc_challenge": "arc/arc_challenge.yaml",
    "arc_easy": "arc/arc_easy.yaml",
    "boolq": "super_glue/boolq/default.yaml",
    "gsm8k": "gsm8k/gsm8k.yaml",
    "hellaswag": "hellaswag/hellaswag.yaml",
    "openbookqa": "openbookqa/openbookqa.yaml",
    "piqa": "piqa/piqa.yaml",
    "winogrande": "winogrande/default.yaml",
}
"""In lm_eval/tasks; reading its whole index instead takes 9 s."""

_METRICS = {"likelihood": "acc", "likelihood_per_character": "acc_norm", "generated": "exact_match"}
_STRICT = "strict-match"


@dataclass(frozen=True)
class LmEvalItem:
    """What lm-evaluation-harness says of one example.

    Args:
        right: by the metric that is the task's score.
        log_likelihoods: of the choices, nats; empty where the answer is generated.
        generated: the generated text; None with choices.
    """

    right: bool
    log_likelihoods: tuple[float, ...]
    generated: str | None


@dataclass(frozen=True)
class LmEvalScores:
    """What lm-evaluation-harness finds on the examples that a trial is scored on.

    Args:
        accuracy: acc, acc_norm or exact_match, in [0, 1].
        items: in the order of the held-out examples.
    """

    accuracy: float
    items: tuple[LmEvalItem, ...]


def evaluate_with_lm_eval(model: nn.Module, tokenizer: Any, task: Task, recipe: Recipe) -> LmEvalScores:
    """Returns the score of lm-evaluation-harness on the held-out examples that trials with this recipe are scored on.

    Args:
        model: causal language model of transformers, with or without PEFT's wrapper, on its device; left in eval mode.
        tokenizer: of the base model.
        task: an online task.
        recipe: ``max_length`` and ``eval_examples`` choose the examples.

    Raises:
        InvalidTaskError: when the task is not an online one, or no example is short enough.
        DownloadError: the hub cannot be reached and the data set is not in its cache.
        MissingExtraError: lm_eval is not installed.
    """
    source = hub_source(task.name)
    if source is None:
        raise InvalidTaskError(
            f"lm-evaluation-harness has no task {task.name}", f"it has {', '.join(TASK_FILES)}", "choose one of them"
        )
    with needs_extra("lm-eval"):
        import lm_eval
        from lm_eval.models.huggingface import HFLM
    name = task.name.partition("@")[0]
    left_out = set(encode(task.held_out, tokenizer, recipe.max_length, with_choices=False).left_out)
    chosen = [example for place, example in enumerate(task.held_out) if place not in left_out][: recipe.eval_examples]
    places = _rows_of(chosen, read_held_out(*source))
    with _quiet(), TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=EVAL_BATCH, softmax_dtype="float32")
        tasks = _tasks(name, *source, Path(scratch))
        found = lm_eval.evaluate(harness, tasks, samples={name: sorted(places)}, bootstrap_iters=0)
    return _scores(found["samples"][name], places, _METRICS[chosen[0].scoring])


def _rows_of(chosen: Sequence[Example], rows: Sequence[Example | None]) -> list[int]:
    """Returns each example's row in the data set; equal rows are taken one after the other."""
    places: defaultdict[Example, list[int]] = defaultdict(list)
    for place, example in enumerate(rows):
        if example is not None:
            places[example].append(place)
    return [places[example].pop(0) for example in chosen]


def _tasks(name: str, hub: HubTask, folder: Path | None, scratch: Path) -> Any:
    """Returns what lm-evaluation-harness loads for its own task file with our source of rows.

    Args:
        name: of the task.
        hub: its data set.
        folder: of a local copy.
        scratch: an empty folder that outlives what is returned; a local copy's rows are prepared in it, since the
            cache of ``datasets`` does not see when a folder's files change.
    """
    import lm_eval.tasks

    theirs = Path(lm_eval.tasks.__file__).parent / TASK_FILES[name]
    ours: dict[str, Any] = {"include": str(theirs), "task": name, "num_fewshot": 0, "dataset_path": hub.hub_id}
    if folder is not None:
        ours |= {"dataset_path": str(folder), "dataset_kwargs": {"cache_dir": str(scratch / "rows")}}
    index = scratch / "index"
    index.mkdir()
    (index / f"{name}.yaml").write_text(json.dumps(ours))  # JSON is YAML
    return lm_eval.tasks.TaskManager(include_path=str(index), include_defaults=False).load([name])


def _scores(samples: Sequence[Mapping[str, Any]], places: Sequence[int], metric: str) -> LmEvalScores:
    """Returns the logged samples in our order.

    Args:
        samples: one a row and filter, logged with ``doc_id``, the row's place.
        places: row of each of our examples.
        metric: that is the score.
    """
    items = {}
    for sample in samples:
        if sample["filter"] in {"none", _STRICT}:
            generated = metric == "exact_match"
            items[sample["doc_id"]] = LmEvalItem(
                right=bool(sample[metric]),
                log_likelihoods=() if generated else tuple(float(each[0][0]) for each in sample["resps"]),
                generated=sample["resps"][0][0] if generated else None,
            )
    ordered = tuple(items[place] for place in places)
    return LmEvalScores(sum(item.right for item in ordered) / len(ordered), ordered)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the harness's log in the block, which warns of every argument that it ignores."""
    log = logging.getLogger("lm_eval")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
