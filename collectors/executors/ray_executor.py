"""Runs trials in actors of a Ray cluster."""

import logging
import os
import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from collectors.executors.executor import AbstractExecutor, Runner
from collectors.executors.ray_worker import RayRuntime, RayWorker
from collectors.executors.scheduler import Limits, Scheduler
from collectors.executors.worker import AbstractWorker, AbstractWorkerPool
from collectors.executors.worker_runtime import WorkerRuntime
from perfmodel.errors import UserError
from perfmodel.files.optional import needs_extra
from perfmodel.traces.trace import Asked, Trace

ANSWER_S = 10.0
"""How long the cluster may take to answer at its address."""

POLL_S = 1.0
"""How often the cluster is looked at for nodes that have joined or died."""


class RayExecutor(AbstractExecutor):
    """Runs trials in actors that live through many trials and are replaced after a crash or a timeout.

    A trial whose node dies is given out again; nodes that join are used. A Ray that is already initialised in this
    process is used as it is, and only what was started or joined here is left at the end.

    Args:
        make_runner: makes the runner; picklable by cloudpickle, called once in each actor. Every node needs the same
            packages.
        workers: number of actors, or ``auto`` for as many as the cluster holds at any time.
        threads: cores that each actor takes, 1 or more.
        gpu_share: GPUs that each actor takes, 0 or more; a fraction where several share one.
        timeout_s: longest time for one trial in seconds, the loading of its model included; above 0.
        campaign: name of the campaign, recorded in the traces of lost trials.
        address: cluster to join: ``host:port``, or ``auto`` on one of its nodes; None starts a cluster here.
    """

    def __init__(
        self,
        make_runner: Callable[[], Runner],
        *,
        workers: int | Literal["auto"],
        threads: int,
        gpu_share: float = 0.0,
        timeout_s: float,
        campaign: str,
        address: str | None = None,
    ) -> None:
        self._make_runtime = partial(WorkerRuntime, make_runner, threads, campaign)
        self._workers = workers
        self._share = _Share(threads, gpu_share)
        self._limits = Limits(timeout_s, threads, campaign)
        self._address = address

    def run(self, trials: Iterable[Asked]) -> Generator[Trace]:
        """Yields one trace for every trial, as they end.

        Raises:
            MissingExtraError: Ray is not installed.
            UserError: no cluster answers, or none of its nodes holds one worker.
        """
        todo = list(trials)
        if not todo:
            return
        with _cluster(self._address):
            self._share.require_room()
            pool = _RayPool(self._make_runtime, self._workers, self._share)
            yield from Scheduler(todo, pool, self._limits).traces()


class _Share:
    """What one worker takes of a node."""

    def __init__(self, cores: int, gpus: float) -> None:
        self.cores = cores
        self.gpus = gpus

    def fits(self) -> int:
        """Returns how many workers the nodes that are alive hold."""
        import ray

        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # Ray's own signature
        return sum(self._fits(node["Resources"]) for node in nodes if node["Alive"])

    def require_room(self) -> None:
        """Refuses a cluster of which no node holds a worker."""
        if not self.fits():
            raise UserError(
                f"each worker takes {self.cores} cores and {self.gpus:g} GPUs, and no node of the cluster has that",
                "at least one node must hold one worker",
                "ask for fewer threads or a smaller share of a GPU, or add such a node first",
            )

    def _fits(self, resources: dict[str, float]) -> int:
        by_cores = int(resources.get("CPU", 0) // self.cores)
        if not self.gpus:
            return by_cores
        gpus = resources.get("GPU", 0)
        # A worker's share lies on one GPU: shares of 0.4 go twice, not 2.5 times, into each.
        by_gpus = int(gpus) * int(1 / self.gpus + 1e-9) if self.gpus <= 1 else int(gpus // self.gpus)
        return min(by_cores, by_gpus)


class _RayPool(AbstractWorkerPool):
    """Actors of one cluster."""

    def __init__(
        self, make_runtime: Callable[[], WorkerRuntime], workers: int | Literal["auto"], share: _Share
    ) -> None:
        import ray

        self._make_runtime = make_runtime
        self._workers = workers
        self._share = share
        self._actor: Any = ray.remote(num_cpus=share.cores, num_gpus=share.gpus, max_restarts=0, max_task_retries=0)(
            RayRuntime
        )

    def size(self) -> int:
        return self._share.fits() if self._workers == "auto" else self._workers

    def start(self) -> RayWorker:
        return RayWorker(self._actor.remote(self._make_runtime))

    def wait(self, workers: Sequence[AbstractWorker], seconds: float) -> None:
        import ray

        awaited = [worker.awaited for worker in workers if isinstance(worker, RayWorker)]
        awaited = [reference for reference in awaited if reference is not None]
        if awaited:
            ray.wait(awaited, timeout=min(seconds, POLL_S))
        else:
            time.sleep(min(seconds, POLL_S))


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Connects to a cluster, quietly, unless this process already is."""
    # Ray reads these when it is first imported; without the first it prints what its nodes say of lost workers, which
    # the traces say already, and without the second a cluster of ours would report its use to Ray's makers.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with needs_extra("ray"):
        import ray
    if ray.is_initialized():
        yield
        return
    try:
        _require_listener(address)
        ray.init(
            address=address or "local", include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL
        )
    except (OSError, RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or ["no answer"])[0]
        raise UserError(
            f"no Ray cluster can be used at {address or 'this machine'} ({reason})",
            "the address of a running cluster of the same version of Ray, or none to start one here",
            "check the address, or start the cluster with: ray start --head",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _require_listener(address: str | None) -> None:
    """Raises OSError where nobody listens: Ray itself would try for several minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
