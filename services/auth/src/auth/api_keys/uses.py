"""When keys were last used: gathered in memory and written down once a minute, so that using a key writes nothing."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from auth.api_keys.repository import Verification
from kit.db.database import Database
from kit.errors import TransientError

log = structlog.get_logger(__name__)

EVERY: Final = 60.0
"""Seconds of uses that are lost when the process dies; at an orderly end none are."""


class Uses:
    """What this process has seen of the use of keys, one time per key."""

    def __init__(self, database: Database, *, every: float = EVERY) -> None:
        self._database = database
        self._every = every
        self._last: dict[UUID, tuple[UUID, datetime]] = {}

    def note(self, organization_id: UUID, key_id: UUID, at: datetime) -> None:
        """A key was used."""
        self._last[key_id] = (organization_id, at)

    async def run(self, stop: asyncio.Event) -> None:
        """Write down for ever, and once more at the end."""
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await stop.wait()
            await self.write()

    async def write(self) -> None:
        """Write down what was gathered, in one statement; it is kept for the next time when that cannot be done."""
        gathered, self._last = self._last, {}
        if not gathered:
            return
        organizations = {organization_id for organization_id, _ in gathered.values()}
        try:
            async with self._database.transaction(*organizations, durable=False) as tx:
                await Verification(tx).save_uses({key: at for key, (_, at) in gathered.items()})
        except TransientError as trouble:
            log.warning("api_keys.uses_not_written", error=type(trouble).__name__, keys=len(gathered))
            self._last = {**gathered, **self._last}
