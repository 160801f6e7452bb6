"""How trials are carried out.

executor          AbstractExecutor: trials in, one trace each out; Runner
inline_executor   InlineExecutor: in this process, one after the other
local_executor    LocalExecutor: in worker processes of this machine
local_worker      one such process
gpus              which GPUs this machine offers
ray_executor      RayExecutor: in actors of a Ray cluster, on one machine or many
ray_worker        one such actor
scheduler         the loop that gives trials to workers, for both kinds of workers
worker            AbstractWorker and AbstractWorkerPool: what the scheduler knows of a worker
worker_runtime    what runs inside a worker, process or actor

May import: ``measuring``.
"""

from collectors.executors.executor import AbstractExecutor, Runner
from collectors.executors.inline_executor import InlineExecutor
from collectors.executors.local_executor import LocalExecutor
from collectors.executors.ray_executor import RayExecutor

__all__ = ["AbstractExecutor", "InlineExecutor", "LocalExecutor", "RayExecutor", "Runner"]
