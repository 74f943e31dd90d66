"""One run of the whole platform, from looking for servers to the last process's end."""

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kit.db.provision import ForeignDatabase
from local import seed
from local.backing import Finder, Unusable, keep_private, stop_ours
from local.plan import PORTS, Plan
from local.prepare import Preparation, StepFailed
from local.progress import Progress
from local.state import State
from local.supervisor import NotReady, Record, Show, Supervisor, end_leftovers
from local.visitor import NotSeen

NAME = "supervisor"


class AlreadyRunning(Exception):
    """Another run of this checkout is under way."""


@contextmanager
def only_run(state: State) -> Iterator[None]:
    """Be the one run of this checkout; the lock ends with the process, however that ends.

    Raises:
        AlreadyRunning: another one is.
    """
    with (state.run / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning from None
        record = Record(state, NAME)
        record.write(os.getpid())
        try:
            yield
        finally:
            record.forget()


class Run:
    """Starts everything, stays until a signal comes, stops everything that it started."""

    def __init__(
        self, state: State, progress: Progress, *, show: Show | None, on_ready: Callable[[Plan], None]
    ) -> None:
        self._state, self._progress = state, progress
        self._show, self._on_ready = show, on_ready
        self._supervisor: Supervisor | None = None
        self._stop = asyncio.Event()

    async def live(self) -> int:
        """The whole life of a run; the exit status.

        The lock must be held (`only_run`).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        work = asyncio.create_task(self._work())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        status = self._outcome(work)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        stopped.cancel()
        await self._end(status)
        return status

    def _outcome(self, work: asyncio.Task[None]) -> int:
        trouble = work.exception() if work.done() else None
        if trouble is None:
            return 0
        if isinstance(trouble, StepFailed | NotReady):
            self._progress.phase("failed", error=str(trouble), log=trouble.log)
        elif isinstance(trouble, Unusable | ForeignDatabase | NotSeen):
            self._progress.phase("failed", error=str(trouble))
        else:
            self._progress.phase("failed", error=f"{type(trouble).__name__}: {trouble}")
            raise trouble
        return 1

    async def _work(self) -> None:
        began = time.monotonic()
        plan = await self._prepared()
        self._supervisor = Supervisor(self._state, plan.parts(), self._show)
        with self._progress.step("Starting the processes"):
            self._supervisor.start()
            await self._supervisor.until_ready(lambda _: None)
        if not self._state.recall("seeded"):
            with self._progress.step("Making the demo organization"):
                await seed.seed(self._state, plan.addresses)
            self._state.remember(seeded=True)
        self._progress.done(f"Ready after {time.monotonic() - began:.1f} s")
        self._on_ready(plan)
        self._progress.phase("ready")
        servers = keep_private(self._state, plan.servers, self._progress.say)
        await asyncio.gather(self._supervisor.until_failure(), servers)

    async def _prepared(self) -> Plan:
        for name in await asyncio.to_thread(end_leftovers, self._state):
            self._progress.say(f"{name} was left over from an earlier run and has been ended")
        with self._progress.step("Finding PostgreSQL, Redis and RabbitMQ"):
            servers = await Finder(self._state, os.environ, self._progress.say).find()
        plan = Plan(self._state, servers, self._state.ports(PORTS))
        plan.keep()
        preparation = Preparation(plan)
        with self._progress.step("Providing the database"):
            if await preparation.provide_database():
                self._state.remember(seeded=False)
        with self._progress.step("Migrating and declaring queues"):
            await preparation.migrate_and_declare()
        return plan

    async def _end(self, status: int) -> None:
        if status == 0:
            self._progress.phase("stopping")
            self._progress.say("Stopping")
        if self._supervisor is not None:
            await self._supervisor.stop()
        await asyncio.get_running_loop().shutdown_default_executor()  # a server may just be starting
        stop_ours(self._state)
        if status == 0:
            self._progress.phase("stopped")
