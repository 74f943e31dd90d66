"""Workers as processes that are killed and started again, and waits that tell what is missing."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent
_LAST_WORDS: Final = 1500
_LONGEST_PAUSE: Final = 5.0


class CrewGone(Exception):
    """Too many workers ended by themselves; the message has their last words."""


class Unfinished(Exception):
    """What was waited for did not come in time; the message tells what is missing."""


@dataclass(slots=True)
class Crew:
    """So many processes of one module. Whoever dies by itself is replaced `replaced` times, with growing pauses.

    A worker may find its servers full or away when it starts, as in any deployment, and ends; whoever runs it starts
    it again. Without end would hide that it never can.
    """

    arguments: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    replaced: int = 20
    members: list[asyncio.subprocess.Process] = field(default_factory=list)
    ended: int = 0
    _missing: int = 0
    _again_at: float = 0.0

    async def start(self, count: int = 1) -> None:
        """Start so many more."""
        for _ in range(count):
            with self.log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", *self.arguments),
                    cwd=_ROOT,
                    env={**os.environ, **self.environment},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            self.members.append(process)

    async def kill(self) -> None:
        """The oldest dies at once, and another one is started."""
        await self.mend()
        if self.members:
            process = self.members.pop(0)
            process.kill()
            await process.wait()
            await self.start()

    async def stop(self, within: float = 60.0) -> None:
        """Let all finish and leave; who has not left in time is killed."""
        self._missing = 0
        for each in self.members:
            if each.returncode is None:
                each.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*(each.wait() for each in self.members))
        except TimeoutError:
            pass
        finally:
            await self.end()

    async def end(self) -> None:
        """Kill all that are left."""
        for each in self.members:
            if each.returncode is None:
                each.kill()
            await each.wait()
        self.members.clear()

    async def mend(self) -> None:
        """Start again whoever has ended by itself, not more often than allowed.

        Raises:
            CrewGone: it happened too often.
        """
        gone = [each for each in self.members if each.returncode is not None]
        for each in gone:
            self.members.remove(each)
            self.ended += 1
            self._missing += 1
            self._again_at = time.monotonic() + min(_LONGEST_PAUSE, 0.25 * 2.0 ** min(self.ended, 10))
            if self.ended > self.replaced:
                raise CrewGone(
                    f"{self.ended} of {self.arguments} ended by themselves, the last one with {each.returncode}:\n"
                    f"{self.last_words()}"
                )
        if self._missing and time.monotonic() >= self._again_at:
            await self.start(self._missing)
            self._missing = 0

    def last_words(self) -> str:
        """The end of what they have said."""
        if not self.log.exists():
            return "(nothing)"
        return self.log.read_bytes()[-_LAST_WORDS:].decode(errors="replace") or "(nothing)"

    async def until(
        self, holds: Callable[[], Awaitable[object]], missing: Callable[[], str], *, within: float, every: float = 0.2
    ) -> None:
        """Ask again and again until it holds, and keep the workers running meanwhile.

        Raises:
            Unfinished: it did not within so many seconds.
            CrewGone: workers keep ending by themselves.
        """
        try:
            async with asyncio.timeout(within):
                while not await holds():
                    await self.mend()
                    await asyncio.sleep(every)
        except TimeoutError as late:
            running = sum(each.returncode is None for each in self.members)
            raise Unfinished(
                f"After {within:.0f} s: {missing()}; {running} workers run, {self.ended} ended by themselves and "
                f"said at last:\n{self.last_words()}"
            ) from late
