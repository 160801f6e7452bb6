"""What a run reads: base models, tasks, published traces.

    files        fetched files: the cache, wheels, checkpoints, hubs
    base_models  base models by name, folder or hub id
    tasks        questions with answers in three splits, and the score of the best blind answer
    shelf        the published traces and their checks
    release      how a release of the shelf is made

Imports ``perfmodel`` and third-party packages only; torch, transformers and pyarrow are imported when first needed.
"""

from datasets_cache.base_models.resolve import DEFAULT_BASE_MODEL, BaseModel, load_model, load_tokenizer, resolve
from datasets_cache.tasks.question_blind import question_blind_loss
from datasets_cache.tasks.tasks import (
    Example,
    Task,
    load_task,
    majority_accuracy,
    online_task_names,
    own_data,
    task_names,
)

__all__ = [
    "DEFAULT_BASE_MODEL",
    "BaseModel",
    "Example",
    "Task",
    "load_model",
    "load_task",
    "load_tokenizer",
    "majority_accuracy",
    "online_task_names",
    "own_data",
    "question_blind_loss",
    "resolve",
    "task_names",
]
