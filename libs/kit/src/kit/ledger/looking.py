"""The loop that looks: what may have happened is looked for until that is decided."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from kit.db.database import Database
from kit.errors import TransientError
from kit.ledger import calling, outcomes
from kit.ledger.claims import Claims, Kinds, LookClaim
from kit.ledger.model import NotAccepted
from kit.ledger.preparing import Unprepared, prepare
from kit.ledger.recording import Outcome, Recorder

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 100
_PER_LANE: Final = 5
_POLL: Final = 0.5
_LONGEST_POLL: Final = 2.0
"""Once there was nothing to look for a few times; what becomes unknown is first looked for seconds later."""
_BETWEEN: Final = 0.02

Look = Callable[[], Awaitable[Outcome]]


class Looking:
    """Looks for unknown effects, going round the lanes so that one tenant's many do not hide another's few."""

    def __init__(self, database: Database, kinds: Kinds) -> None:
        self._database = database
        self._kinds = kinds
        self._claims = Claims(database, kinds)
        self._recorder = Recorder(database, kinds, lambda _: None)
        self._after_lane = 0
        self._looks: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`; one that hangs delays no other, and one cut off is made again after its lease."""
        idle = _POLL
        try:
            while not stop.is_set():
                more = False
                try:
                    more = await self._begin(_AT_ONCE - len(self._looks))
                except TransientError as trouble:
                    log.warning("ledger.looks_waiting", error=type(trouble).__name__)
                idle = _POLL if more or self._looks else min(2 * idle, _LONGEST_POLL)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_BETWEEN if more else idle):
                        await stop.wait()
        finally:
            for look in self._looks:
                look.cancel()
            await asyncio.gather(*self._looks, return_exceptions=True)

    async def turn(self) -> bool:
        """Look for some of what is due and wait for all of it; true when there may be more.

        Raises:
            TransientError: the database cannot answer now; what was claimed is looked for again later.
        """
        more = await self._begin(_AT_ONCE)
        await asyncio.gather(*self._looks)
        return more

    async def _begin(self, most: int) -> bool:
        """Claim at most so many looks and begin them; true when there may be more to begin."""
        if most <= 0:
            return False
        found, self._after_lane = await self._claims.looks(most, _PER_LANE, self._after_lane)
        kinds: dict[str, list[LookClaim]] = {}
        for claim in found:
            kinds.setdefault(claim.entry.kind, []).append(claim)
        for name, claims in kinds.items():
            for look in await self._prepared(name, claims):
                task = asyncio.create_task(self._recorded(look))
                self._looks.add(task)
                task.add_done_callback(self._looks.discard)
        return bool(found) or self._after_lane > 0

    async def _prepared(self, name: str, claims: Sequence[LookClaim]) -> list[Look]:
        kind = self._kinds[name]
        prepared = await prepare(self._database, kind, [claim.entry for claim in claims])
        looks: list[Look] = []
        for claim in claims:
            if claim.entry.id not in prepared:
                looks.append(partial(_decided, claim, outcomes.WITHDRAWN_UNKNOWN))
            elif isinstance(prepared[claim.entry.id], Unprepared):
                trouble = NotAccepted("It could not be prepared.")
                looks.append(partial(_decided, claim, calling.looked(kind, claim, trouble)))
            else:
                looks.append(partial(calling.look, kind, claim, prepared[claim.entry.id]))
        return looks

    async def _recorded(self, look: Look) -> None:
        try:
            await self._recorder.record([await look()])
        except Exception:
            log.exception("ledger.look_not_recorded")


async def _decided(claim: LookClaim, change: outcomes.Change) -> Outcome:
    return Outcome(claim.entry, claim.lane_id, "look", change, looks=claim.looks)
