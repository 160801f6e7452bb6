"""One worker of a Ray cluster: an actor that lives through many trials."""

import time
from collections.abc import Callable
from typing import Any

from collectors.executors.worker import AbstractWorker, Lost, Outcome, State
from collectors.executors.worker_runtime import WorkerRuntime
from perfmodel.errors import PerfModelError, UserError
from perfmodel.traces.trace import Asked, RanOn, Trace

NODE_CHECK_S = 60.0
"""How long a node may take to show that it is alive after one of its workers was lost; Ray needs some 15 s itself."""


class RayRuntime:
    """What runs in the actor.

    Args:
        make_runtime: makes the worker's runtime; called once, in the actor.
    """

    def __init__(self, make_runtime: Callable[[], WorkerRuntime]) -> None:
        self._runtime = make_runtime()

    def node(self) -> str:
        """Returns the id of the node that the actor runs on."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def begin(self, asked: Asked) -> RanOn | None:
        """Returns where the trial is about to run; see ``WorkerRuntime.begin``.

        Args:
            asked: trial that ``run`` is called with next.
        """
        return self._runtime.begin(asked)

    def run(self, asked: Asked) -> Trace | PerfModelError:
        """Returns the trial's trace, or the error that ends the campaign.

        Args:
            asked: trial to run.
        """
        return self._runtime.run(asked)


class RayWorker(AbstractWorker):
    """An actor that holds its share of a node until it is stopped.

    Args:
        actor: handle of a ``RayRuntime`` that Ray was just asked to start.
    """

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._node_reply = actor.node.remote()
        self._node = ""
        self._begun: Any = None
        self._running: Any = None
        self._node_check: _NodeCheck | None = None
        self._is_ended = False

    @property
    def awaited(self) -> Any:
        """The object reference whose arrival is news; None when none is to come."""
        if self._node_check:
            return self._node_check.ping
        return self._running if self._node or self._is_ended else self._node_reply

    def state(self) -> State:
        """Returns what it is doing.

        Raises:
            UserError: when the actor cannot be made on its node.
        """
        if not self._node and not self._is_ended and _has_come(self._node_reply):
            self._read_node()
        if self._is_ended:
            return "ended"
        if self._node_check:
            return "lost"
        if self._running is not None:
            return "busy"
        return "ready" if self._node else "starting"

    def give(self, asked: Asked) -> None:
        """Starts a trial."""
        self._begun, self._running = self._actor.begin.remote(asked), self._actor.run.remote(asked)

    def outcome(self) -> Outcome | None:
        """Returns how the given trial ended, once; None while that is not known."""
        if self._running is not None and _has_come(self._running):
            found = self._result()
            self._running = None
            if found is not None:
                return found
        result = self._node_check.result() if self._node_check else None
        if result is not None:
            self._node_check = None
            self.stop()  # should it live on behind a broken line, it must not go on with the trial
        return result

    def record(self) -> RanOn | None:
        """Returns where the given trial ran; None when the actor was lost before it said so."""
        import ray

        try:
            found: RanOn | None = ray.get(self._begun, timeout=0)
        except ray.exceptions.RayError:
            return None
        return found

    def stop(self) -> None:
        """Kills the actor."""
        import ray

        self._is_ended = True
        ray.kill(self._actor, no_restart=True)

    def _read_node(self) -> None:
        import ray

        try:
            self._node = ray.get(self._node_reply)
        except ray.exceptions.RayError as error:
            self._is_ended = True
            if getattr(error, "actor_init_failed", False):
                raise UserError(
                    f"a worker cannot start on the cluster ({_last_line(error)})",
                    "every node needs the same Python and packages as the driver",
                    'install "perfmodel[collect,ray]" on every node',
                ) from error

    def _result(self) -> Outcome | None:
        """Returns what the actor sent back; None where it is lost, whose node is then checked."""
        import ray

        try:
            found: Trace | PerfModelError = ray.get(self._running)
        except ray.exceptions.RayTaskError as error:
            self.stop()  # as a process would have ended: nobody knows in what state the runner is
            return Lost("failed", f"{type(error.cause).__name__}: {error.cause}"[:300])
        except ray.exceptions.OutOfMemoryError:
            self.stop()
            return Lost("oom", "Ray ended the worker because its node was short of memory")
        except ray.exceptions.RayError as error:
            self._node_check = _NodeCheck(self._node, _last_line(error))
            return None
        return found


class _NodeCheck:
    """Finds out whether a lost worker died alone or with its node.

    Ray may say that an actor is gone long before it says that the node is, so the node is sent a ping: a task that can
    run nowhere else.

    Args:
        node: Ray's id of the node.
        reason: what Ray said of the lost worker, one line.
    """

    def __init__(self, node: str, reason: str) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._node = node
        self._reason = reason
        self._closes = time.monotonic() + NODE_CHECK_S
        task = ray.remote(num_cpus=0, max_retries=0)(_ping)
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        self.ping = task.options(scheduling_strategy=there).remote()

    def result(self) -> Lost | None:
        """Returns how the trial ended; None while that is not known."""
        import ray

        node_died = Lost("failed", "the node that it ran on died", is_node_failure=True)
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # Ray's own signature
        if not any(node["Alive"] for node in nodes if node["NodeID"] == self._node):
            return node_died
        if not _has_come(self.ping):
            return node_died if time.monotonic() > self._closes else None
        try:
            ray.get(self.ping)
        except ray.exceptions.RayError:
            return node_died
        return Lost("failed", f"the worker died: {self._reason}"[:300])


def _ping() -> None:
    """Does nothing, on the node that is pinged."""


def _has_come(reference: Any) -> bool:
    import ray

    return bool(ray.wait([reference], timeout=0)[0])


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[-1][:300]
