"""Which data set of the hub each online task is made of, and how it is asked and scored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from datasets_cache.tasks.examples import Example
from datasets_cache.tasks.hub import prompts


@dataclass(frozen=True)
class HubTask:
    """One data set.

    Args:
        hub_id: ``owner/name``.
        config: one of the data set's configurations, None where it has one only.
        held_out: the split that lm-evaluation-harness scores; training examples come from ``train``.
        columns: that the prompt reads.
        to_example: gives a row's example, or None where the row has no label.
        kind: what is asked for.
        description: one sentence for reports.
    """

    hub_id: str
    config: str | None
    held_out: str
    columns: tuple[str, ...]
    to_example: Callable[[prompts.Row], Example | None]
    kind: str
    description: str


_CHOICES = ("choices", "answerKey")
_HELLASWAG = ("activity_label", "ctx_a", "ctx_b", "endings", "label")

HUB_TASKS: Mapping[str, HubTask] = {
    "arc_challenge": HubTask(
        hub_id="allenai/ai2_arc",
        config="ARC-Challenge",
        held_out="test",
        columns=("question", *_CHOICES),
        to_example=prompts.arc,
        kind="science",
        description="hard science questions of school exams with three to five choices (ARC, challenge set)",
    ),
    "arc_easy": HubTask(
        hub_id="allenai/ai2_arc",
        config="ARC-Easy",
        held_out="test",
        columns=("question", *_CHOICES),
        to_example=prompts.arc,
        kind="science",
        description="science questions of school exams with three to five choices (ARC, easy set)",
    ),
    "boolq": HubTask(
        hub_id="aps/super_glue",
        config="boolq",
        held_out="validation",
        columns=("passage", "question", "label"),
        to_example=prompts.boolq,
        kind="reading",
        description="a passage with a yes-or-no question about it (BoolQ)",
    ),
    "gsm8k": HubTask(
        hub_id="openai/gsm8k",
        config="main",
        held_out="test",
        columns=("question", "answer"),
        to_example=prompts.gsm8k,
        kind="word problems",
        description="word problems of school arithmetic, solved step by step (GSM8K, no examples before the question)",
    ),
    "hellaswag": HubTask(
        hub_id="Rowan/hellaswag",
        config=None,
        held_out="validation",
        columns=_HELLASWAG,
        to_example=prompts.hellaswag,
        kind="common sense",
        description="the beginning of a scene with four endings (HellaSwag)",
    ),
    "openbookqa": HubTask(
        hub_id="allenai/openbookqa",
        config="main",
        held_out="test",
        columns=("question_stem", *_CHOICES),
        to_example=prompts.openbookqa,
        kind="science",
        description="elementary science questions with four choices (OpenBookQA)",
    ),
    "piqa": HubTask(
        hub_id="baber/piqa",
        config=None,
        held_out="validation",
        columns=("goal", "sol1", "sol2", "label"),
        to_example=prompts.piqa,
        kind="common sense",
        description="everyday goals with two ways to reach them (PIQA)",
    ),
    "winogrande": HubTask(
        hub_id="allenai/winogrande",
        config="winogrande_xl",
        held_out="validation",
        columns=("sentence", "option1", "option2", "answer"),
        to_example=prompts.winogrande,
        kind="common sense",
        description="sentences with a blank for one of two names (WinoGrande, XL)",
    ),
}
"""By the name that lm-evaluation-harness gives the task."""
