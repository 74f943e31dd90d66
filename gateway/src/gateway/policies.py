"""The policy in force: read again when its file changes or on SIGHUP; a file that cannot be used changes nothing."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from gateway.policy import Policy, PolicyRefused, read
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

RELOADS = metrics.counter("policy_reloads_total", "Times the policy file was read again", ("outcome",))
REFUSED = metrics.gauge("policy_refused", "1 while the policy file cannot be used and the policy before it holds")


class PolicyFile:
    """Follows one file.

    It is looked at every few seconds, since a mounted configuration is replaced without any signal; what tells a
    change is where the name leads, the size and the time of writing.
    """

    def __init__(
        self, path: Path, needed: Collection[str], adopt: Callable[[Policy], None], *, every: float = 2.0
    ) -> None:
        self._path = path
        self._needed = needed
        self._adopt = adopt
        self._every = every
        self._asked = asyncio.Event()
        self._seen = self._mark()
        self.good = True

    def ask(self) -> None:
        """Read the file now, changed or not."""
        self._asked.set()

    async def run(self) -> None:
        """Follow the file for ever."""
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self._asked.wait()
            except TimeoutError:
                pass
            mark = await asyncio.to_thread(self._mark)
            if mark != self._seen or self._asked.is_set():
                self._asked.clear()
                self._seen = mark
                await self.reload()

    async def reload(self) -> bool:
        """Read the file and put it in force; says whether it could be."""
        try:
            policy = await asyncio.to_thread(read, self._path, self._needed)
        except PolicyRefused as refused:
            self._settle(good=False)
            log.error("policy.refused", path=str(self._path), reasons=refused.reasons)  # noqa: TRY400 - no bug of ours
            return False
        self._adopt(policy)
        self._settle(good=True)
        log.info("policy.adopted", path=str(self._path), classes=len(policy.classes))
        return True

    def _settle(self, *, good: bool) -> None:
        self.good = good
        RELOADS.labels("adopted" if good else "refused").inc()
        REFUSED.set(0 if good else 1)

    def _mark(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
