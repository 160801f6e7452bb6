"""Runs trials in worker processes of this machine, so that a crash or a timeout costs one trial and no more."""

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from multiprocessing.connection import wait

from collectors.executors.executor import AbstractExecutor, Runner
from collectors.executors.gpus import visible_gpus
from collectors.executors.local_worker import LocalWorker
from collectors.executors.scheduler import Limits, Scheduler
from collectors.executors.worker import AbstractWorker, AbstractWorkerPool
from collectors.executors.worker_runtime import WorkerRuntime
from perfmodel.traces.trace import Asked, Trace


class LocalExecutor(AbstractExecutor):
    """Runs trials in worker processes that live through many trials and are replaced after a crash or a timeout.

    Each worker sees one GPU, where there are any, and workers are spread over them evenly; several may share one, each
    with an allocator and a peak of its own.

    Args:
        make_runner: makes the runner; picklable, called once in each worker.
        workers: number of processes, 1 or more.
        threads: torch threads of each, recorded in the traces of trials whose worker was lost.
        timeout_s: longest time for one trial in seconds, the loading of its model included; above 0.
        campaign: name of the campaign, recorded likewise.
        gpus: GPUs to use, as ``CUDA_VISIBLE_DEVICES`` names them; None takes all that this process sees.
    """

    def __init__(
        self,
        make_runner: Callable[[], Runner],
        *,
        workers: int,
        threads: int,
        timeout_s: float,
        campaign: str,
        gpus: Sequence[str] | None = None,
    ) -> None:
        self._make_runtime = partial(WorkerRuntime, make_runner, threads, campaign)
        self._workers = workers
        self._limits = Limits(timeout_s, threads, campaign)
        self._gpus = gpus

    def run(self, trials: Iterable[Asked]) -> Generator[Trace]:
        """Yields one trace for every trial, as they end; see ``AbstractExecutor.run``."""
        gpus = visible_gpus() if self._gpus is None else self._gpus
        yield from Scheduler(trials, _LocalPool(self._make_runtime, self._workers, gpus), self._limits).traces()


class _LocalPool(AbstractWorkerPool):
    """A fixed number of processes, each on the GPU that has fewest of them."""

    def __init__(self, make_runtime: Callable[[], WorkerRuntime], size: int, gpus: Sequence[str]) -> None:
        self._make_runtime = make_runtime
        self._size = size
        self._gpus = gpus
        self._started: list[LocalWorker] = []

    def size(self) -> int:
        return self._size

    def start(self) -> LocalWorker:
        self._started = [worker for worker in self._started if worker.state() != "ended"]
        taken = [worker.gpu for worker in self._started]
        worker = LocalWorker(self._make_runtime, min(self._gpus, key=taken.count, default=""))
        self._started.append(worker)
        return worker

    def wait(self, workers: Sequence[AbstractWorker], seconds: float) -> None:
        ends = [end for worker in workers if isinstance(worker, LocalWorker) for end in worker.ends]
        wait(ends, timeout=seconds)
