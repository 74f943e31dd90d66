"""Real processes under test: started with their environment, asked for readiness, killed without warning."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

_INHERITED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR")


async def eventually(holds: Callable[[], Awaitable[object]], *, within: float = 60.0) -> None:
    """Ask again and again until it holds, at first soon and then ever more seldom.

    Raises:
        TimeoutError: it did not within so many seconds.
    """
    pause = 0.005
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, 0.05)


@dataclass(slots=True)
class Program:
    """One of our programs, such as `python -m billing worker`, with its output in a file."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    port: int
    _process: asyncio.subprocess.Process | None = field(default=None)

    async def start(self, **changed: str) -> None:
        """Start it, with some variables changed, and return once it says that it is ready."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self.arguments,
                env={**inherited, **self.environment, **changed},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        await self._until_ready()

    @property
    def pid(self) -> int:
        """Its number while it runs.

        Raises:
            LookupError: it does not run.
        """
        if self._process is None:
            raise LookupError("not started")
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it does not run, by whatever cause."""
        return self._process is None or self._process.returncode is not None

    async def kill(self) -> None:
        """SIGKILL, as the out-of-memory killer would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None

    async def stop(self, within: float = 60.0) -> int:
        """SIGTERM, and its exit status once it has drained."""
        process = self._process
        if process is None:
            return 0
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(within):
            status = await process.wait()
        self._process = None
        return status

    async def _until_ready(self, within: float = 90.0) -> None:
        async with asyncio.timeout(within):
            while not await asyncio.to_thread(self._ready):
                if self.has_ended:
                    text = await asyncio.to_thread(self.log.read_text)
                    raise AssertionError(f"{self.arguments} ended:\n{text[-3000:]}")
                await asyncio.sleep(0.05)

    def _ready(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10) as answer:
                return bool(answer.status == 200)
        except (OSError, HTTPException):
            return False
