"""The same members on a Dask cluster: one on this machine, or one whose scheduler listens at an address.

Every Dask worker keeps one process of `subgrid.sweep.pool`, so that members have a time limit and a main thread there,
and one that takes its process down does not take the Dask worker with it. The folder of the sweep must have the same
path on every machine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from subgrid.errors import PluginError, ScenarioError
from subgrid.sweep.member import Ending, Job
from subgrid.sweep.pool import LocalPool

LOCAL = "local"
CONNECT_SECONDS = 20.0

_pools: dict[tuple[str, float | None], LocalPool] = {}
"""The pool of this Dask worker, made by its first member. It ends with the process: its workers notice."""


def run_on_worker(job: Job, member_time: float | None, log: str) -> Ending:
    """Called by Dask on one of its workers."""
    pool = _pools.setdefault((log, member_time), LocalPool(1, member_time, Path(log)))
    [(_, ending)] = pool.run([job], lambda job: None)
    return ending


class DaskCluster:
    """Runs jobs through a Dask scheduler: ``address`` is ``local`` for a cluster of ``count`` workers on this machine.

    Raises PluginError where Dask is not installed, and ScenarioError where no scheduler answers.
    """

    def __init__(self, address: str, count: int, member_time: float | None, log: Path) -> None:
        if find_spec("distributed") is None:
            raise PluginError("--cluster needs distributed: pip install 'subgrid[dask]'")
        self._address = address
        self._count = count
        self._member_time = member_time
        self._log = log
        self._cluster: Any = None
        self._client: Any = None
        self._futures: list[Any] = []

    def __enter__(self) -> DaskCluster:
        from distributed import Client, LocalCluster

        if self._address == LOCAL:
            self._cluster = LocalCluster(
                n_workers=self._count,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
        try:
            self._client = Client(self._cluster or self._address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise ScenarioError(f"--cluster {self._address!r}: no scheduler answers there ({error})") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None and self._client is not None:
                self._client.cancel(self._futures)
        finally:
            for part in (self._client, self._cluster):
                if part is not None:
                    part.close()

    def run(self, jobs: Sequence[Job], started: Callable[[Job], None]) -> Iterator[tuple[Job, Ending]]:
        """Dask gives members of a worker that died to another one, some times; when is not known here."""
        from distributed import as_completed

        self._futures = self._client.map(
            run_on_worker, jobs, member_time=self._member_time, log=str(self._log.resolve()), pure=False
        )
        by_key = {future.key: job for future, job in zip(self._futures, jobs, strict=True)}
        for future in as_completed(self._futures):
            job, failure = by_key[future.key], future.exception()
            if failure is None:
                yield job, future.result()
            else:
                text = " ".join(str(failure).split())[:300]
                yield job, Ending("failed", f"the cluster gave it up: {type(failure).__name__}: {text}")
            future.release()
