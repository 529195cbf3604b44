"""Ray and Dask as ``concurrent.futures`` executors, for evaluators that take seconds."""
from __future__ import annotations

import concurrent.futures
import importlib
import threading
from collections.abc import Callable
from typing import Any


class RayExecutor(concurrent.futures.Executor):
    """Runs calls as Ray tasks. Ray is started if it is not; ``options`` go to every task (``num_cpus``, ``memory``, …)."""

    def __init__(self, **options: Any) -> None:
        self._ray = importlib.import_module("ray")
        if not self._ray.is_initialized():
            self._ray.init(include_dashboard=False, log_to_driver=False)
        self._options = {"num_cpus": 1, **options}
        self._refs: dict[concurrent.futures.Future[Any], Any] = {}
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        remote = self._ray.remote(lambda *a, **k: fn(*a, **k)).options(**self._options)
        ref = remote.remote(*args, **kwargs)
        future: concurrent.futures.Future[Any] = ref.future()
        with self._lock:
            self._refs[future] = ref
        future.add_done_callback(self._forget)
        return future

    def _forget(self, future: concurrent.futures.Future[Any]) -> None:
        with self._lock:
            self._refs.pop(future, None)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Tasks that still run are awaited or, with ``cancel_futures``, killed. Ray itself goes on."""
        with self._lock:
            refs = list(self._refs.values())
        if cancel_futures:
            for ref in refs:
                self._ray.cancel(ref, force=True)
        elif wait and refs:
            self._ray.wait(refs, num_returns=len(refs))


def ray_executor(**options: Any) -> RayExecutor:
    """Calls as Ray tasks with these options. ``ModuleNotFoundError`` without Ray."""
    return RayExecutor(**options)


def dask_executor(client: Any = None, **arguments: Any) -> concurrent.futures.Executor:
    """Calls as tasks of a Dask client, or of a local cluster made with ``arguments`` (``n_workers``, …)."""
    if client is None:
        client = importlib.import_module("distributed").Client(**arguments)
    executor: concurrent.futures.Executor = client.get_executor(pure=False)
    return executor
