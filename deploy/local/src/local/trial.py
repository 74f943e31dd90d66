"""The whole platform for the length of a test: names, ports and data of its own, gone afterwards."""

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from local import upkeep
from local.backing import Servers
from local.plan import PORTS, WORKERS, Plan
from local.prepare import Preparation
from local.state import State
from local.supervisor import NotReady, Record, Supervisor
from local.visitor import Addresses

T = TypeVar("T")


class Trial:
    """Starts every process of the platform on given servers, as `make run` does, and removes all of it at the end.

    It lives on a thread of its own, so that tests with a loop each can share it. `split` runs api and worker of each
    service as processes of their own, named like `auth` and `auth-worker`.
    """

    def __init__(
        self, folder: Path, servers: Servers, environment: Mapping[str, str] | None = None, *, split: bool = False
    ) -> None:
        self._state = State(folder)
        self._state.logs.mkdir(parents=True, exist_ok=True)
        self._state.run.mkdir(exist_ok=True)
        ports = self._state.fresh_ports((*PORTS, *WORKERS) if split else PORTS)
        self._plan = Plan(self._state, servers, ports, dict(environment or {}), split)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="trial", daemon=True)
        self._supervisor = Supervisor(self._state, self._plan.parts())

    @property
    def addresses(self) -> Addresses:
        """The public doors."""
        return self._plan.addresses

    @property
    def plan(self) -> Plan:
        """Ports, addresses and environments of all processes."""
        return self._plan

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self._state.logs

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._do(self._start())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def forward(self, **delta: float) -> None:
        """Move the platform's clock, as `make clock` does."""
        self._do(upkeep.clock(self._plan, forward=timedelta(**delta), reset=False))

    def kill(self, name: str) -> bool:
        """SIGKILL one process of the platform; it is started again. False while it was not running anyway."""
        return self._signal(name, signal.SIGKILL)

    def freeze(self, name: str) -> bool:
        """SIGSTOP one process: its connections stay open and nothing answers. False while it was not running."""
        return self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> bool:
        """Let a frozen process go on; one that was not frozen does not notice."""
        return self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> bool:
        identity = Record(self._state, name).identity()
        if identity is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(identity.pid, number)
        return True

    async def _start(self) -> None:
        self._plan.keep()
        preparation = Preparation(self._plan)
        await preparation.provide_database()
        await preparation.migrate_and_declare()
        self._supervisor.start()
        try:
            await self._supervisor.until_ready(lambda _: None)
        except NotReady as trouble:
            end = trouble.log.read_text(errors="replace")[-4000:] if trouble.log.exists() else ""
            raise RuntimeError(f"{trouble}\n{end}") from trouble

    async def _end(self) -> None:
        await self._supervisor.stop()
        await upkeep.clean_data(self._state)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result()
