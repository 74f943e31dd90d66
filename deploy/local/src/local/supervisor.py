"""Keeps the platform's processes running until it is told to stop."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from local.logfiles import Lines, LogFile
from local.plan import Part
from local.processes import Identity, end
from local.state import State

READY_WITHIN = 120.0
GRACE = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_EARLY_DEATHS = 3
_REAPED_WITHIN = 30.0
_ANSWERS_WITHIN = 5.0

Show = Callable[[str, bytes], None]


class NotReady(Exception):
    """A process ended too often before it was ready, or took too long."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        super().__init__(f"{name} {why}")
        self.log = log


@dataclass(slots=True)
class Watched:
    """One process with its restarts."""

    part: Part
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0


class Supervisor:
    """Starts all parts at once, restarts what dies, ends all of them together.

    Each process is recorded in the run folder with its start time and command line, so that a later run can end
    what an earlier one, killed itself, has left behind.
    """

    def __init__(
        self, state: State, parts: Sequence[Part], show: Show | None = None, *, grace: float = GRACE
    ) -> None:
        self._state, self._show, self._grace = state, show, grace
        self._watched = [Watched(part) for part in parts]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin to run every part."""
        self._tasks = [asyncio.create_task(self._keep(watched)) for watched in self._watched]

    async def until_ready(self, on_ready: Callable[[str], None]) -> None:
        """Wait until each part says that it is ready.

        Raises:
            NotReady: one of them does not come up.
        """
        waits = [asyncio.create_task(self._one_ready(watched, on_ready)) for watched in self._watched]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()

    async def until_failure(self) -> None:
        """Wait for ever, unless the supervision itself breaks."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Ask every process to leave, wait, kill what is left."""
        self._stopping.set()
        running = [one.process for one in self._watched if one.process and one.process.returncode is None]
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        if running:
            await asyncio.wait([asyncio.create_task(process.wait()) for process in running], timeout=self._grace)
        for process in running:
            if process.returncode is None:
                _kill_session(process.pid)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_REAPED_WITHIN)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one_ready(self, watched: Watched, on_ready: Callable[[str], None]) -> None:
        part, log = watched.part, self._log_of(watched.part)
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not (watched.process and watched.process.returncode is None and await answers(part.ready)):
                    if watched.restarts >= _EARLY_DEATHS:
                        raise NotReady(part.name, f"ended {watched.restarts} times before it was ready", log)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise NotReady(part.name, f"was not ready after {READY_WITHIN:.0f} s ({part.ready})", log) from None
        watched.ready.set()
        on_ready(part.name)

    async def _keep(self, watched: Watched) -> None:
        pause, log = _FIRST_PAUSE, LogFile(self._log_of(watched.part))
        try:
            await self._turn_of(watched.part)
            while not self._stopping.is_set():
                began = asyncio.get_running_loop().time()
                await self._run_once(watched, log)
                watched.restarts += 1
                status = watched.process.returncode if watched.process else None
                self._write(watched.part.name, log, f"ended with status {status}".encode())
                if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE:
                    pause = _FIRST_PAUSE
                await self._rest(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            log.close()

    async def _turn_of(self, part: Part) -> None:
        before = [asyncio.create_task(other.ready.wait()) for other in self._watched if other.part.name in part.after]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while before and not stopping.done():
                await asyncio.wait((*before, stopping), return_when=asyncio.FIRST_COMPLETED)
                before = [wait for wait in before if not wait.done()]
        finally:
            for wait in (*before, stopping):
                wait.cancel()

    async def _rest(self, pause: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stopping.wait()

    async def _run_once(self, watched: Watched, log: LogFile) -> None:
        part = watched.part
        watched.process = process = await asyncio.create_subprocess_exec(
            *part.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=part.environment,
            start_new_session=True,  # so that Ctrl-C reaches us alone
        )
        if self._stopping.is_set():  # it came up while the others were asked to leave
            process.terminate()
        record = Record(self._state, part.name)
        record.write(process.pid)
        try:
            await self._listen(part.name, process, log)
            await process.wait()
        finally:
            if process.returncode is None:
                _kill_session(process.pid)
            record.forget()

    async def _listen(self, name: str, process: asyncio.subprocess.Process, log: LogFile) -> None:
        """Write down all that it says until it says no more."""
        lines, output = Lines(), process.stdout
        while output is not None and (data := await output.read(65_536)):
            for line in lines.feed(data):
                self._write(name, log, line)
        for line in lines.rest():
            self._write(name, log, line)

    def _write(self, name: str, log: LogFile, line: bytes) -> None:
        log.write(line)
        if self._show is not None:
            self._show(name, line)

    def _log_of(self, part: Part) -> Path:
        return self._state.logs / f"{part.name}.log"


def _kill_session(pid: int) -> None:
    """End a child and all it started; it leads its own process group."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


async def answers(url: str) -> bool:
    """Whether a GET of this address is answered with 200 within a few seconds."""
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(request.encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Record:
    """Who a named process of ours is; kept in the run folder while it lives."""

    state: State
    name: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.state.run / f"{self.name}.json"

    def write(self, pid: int) -> None:
        """Remember this process."""
        identity = Identity.of_child(pid)
        if identity is not None:
            self.path.write_text(json.dumps(asdict(identity)), encoding="utf-8")

    def identity(self) -> Identity | None:
        """The process that was remembered, if it still runs and is the same."""
        try:
            identity = Identity(**json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return identity if identity.alive else None

    def forget(self) -> None:
        """The process has ended."""
        self.path.unlink(missing_ok=True)


def end_leftovers(state: State) -> list[str]:
    """End the processes that a run which was itself killed has left; their names."""
    ended = []
    for path in sorted(state.run.glob("*.json")):
        record = Record(state, path.stem)
        identity = record.identity()
        if identity is not None and identity.pid == os.getpid():
            continue
        if identity is not None:
            end(identity, patience=GRACE)
            ended.append(path.stem)
        record.forget()
    return ended
