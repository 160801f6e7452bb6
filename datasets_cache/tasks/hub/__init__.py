"""Tasks for people who are online: well-known data sets of the Hugging Face hub, asked as lm-evaluation-harness does.

table       HubTask and HUB_TASKS: which data set, which splits, which prompt, which score
prompts     one row of each data set as an example
reading     hub_source(name), read_hub_task(name): rows from the hub or a local copy, as a Task

May import: ``datasets_cache.tasks``, ``perfmodel``.
"""

from datasets_cache.tasks.hub.reading import hub_source, read_held_out, read_hub_task
from datasets_cache.tasks.hub.table import HUB_TASKS, HubTask

__all__ = ["HUB_TASKS", "HubTask", "hub_source", "read_held_out", "read_hub_task"]
