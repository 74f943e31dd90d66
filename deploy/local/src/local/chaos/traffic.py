"""What all lanes share: a lane goes on until it is told to stop, and notes what it was promised."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import httpx

from local.chaos.client import Client
from local.chaos.outside import Sandbox
from local.chaos.tenant import Tenant

Clock = Callable[[], float]
Lane = Callable[[], Coroutine[Any, Any, None]]


class Traffic:
    """The lanes of one tenant; `now` is the platform's time as the run believes it to be."""

    def __init__(self, tenant: Tenant, sandbox: Sandbox, stop: asyncio.Event, now: Clock) -> None:
        self._tenant, self._sandbox, self._stop, self._now = tenant, sandbox, stop, now
        self._owner, self._book = tenant.owner, tenant.book

    async def _make(
        self,
        kind: str,
        mark: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        refused: Collection[int] = (),
        by: Client | None = None,
    ) -> httpx.Response | None:
        """Ask for one thing, under a key that is its mark's, and note what was promised; the answer, if it was."""
        self._book.asked[kind].add(mark)
        answer = await (by or self._owner).ask("POST", path, {201, *refused}, key=_key(mark), json=body)
        if answer is None:
            return None
        if answer.status_code in refused:
            self._book.refused[kind].add(mark)
            return None
        self._book.accept(kind, mark, answer.json()["id"])
        return answer

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return


def _key(mark: str) -> str:
    """An idempotency key: the same for the same mark of this run."""
    return mark.replace(" ", "-").replace("@", "-")
