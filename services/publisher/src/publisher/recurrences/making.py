"""Posts are made of what recurs, within the horizon: of each time one, whoever works and dies meanwhile."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from kit.audit import SYSTEM
from kit.db.database import Database, Transaction
from kit.errors import DomainError
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.quota import QuotaExhausted
from publisher.deliveries.sending import Sending
from publisher.posts.model import Post, PostStatus
from publisher.posts.planning import plan
from publisher.posts.when import When
from publisher.posts.writing import write
from publisher.recurrences.model import HORIZON, Occurrence, Recurrence
from publisher.recurrences.repository import RecurrenceRepository, due

_AT_ONCE: Final = 20
"""Posts that one transaction makes."""

_AGAIN: Final = timedelta(days=1)
_WHEN_EXHAUSTED: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Making:
    """Makes posts of what recurs."""

    database: Database
    ledger: Ledger
    sending: Sending

    async def make_due(self) -> bool:
        """A batch of recurring posts; True when there may be more to do."""
        async with self.database.transaction() as tx:
            found = await due(tx)
        for organization_id, recurrence_id in found:
            async with self.database.transaction(organization_id) as tx:
                recurrence = await RecurrenceRepository(tx).lock_due(recurrence_id)
                if recurrence is not None:
                    await self._make(tx, recurrence, self.database.clock.now())
        return bool(found)

    async def _make(self, tx: Transaction, recurrence: Recurrence, now: datetime) -> None:
        """Make what is missing, a batch; where the plan includes no more, it is tried again until it is late."""
        rows, rule = RecurrenceRepository(tx), recurrence.rule
        horizon = _shown(now + HORIZON, rule.zone)
        times = list(islice(rule.between(recurrence.planned_until, horizon), _AT_ONCE))
        until: datetime | None = None
        for when in times:
            try:
                await self._one(tx, recurrence, when, now)
            except QuotaExhausted:
                await rows.planned(recurrence.id, until, now + _WHEN_EXHAUSTED)
                return
            until = local_of(when)
        if len(times) == _AT_ONCE:
            await rows.planned(recurrence.id, until, now)
            return
        more = next(rule.between(horizon, horizon + timedelta(days=366 * 9)), None) is not None
        await rows.planned(recurrence.id, horizon, now + _AGAIN if more else None)

    async def _one(self, tx: Transaction, recurrence: Recurrence, when: When, now: datetime) -> None:
        rows, post = RecurrenceRepository(tx), blank_of(recurrence, now)
        noted = Occurrence(
            local_of(when), when.at, "missed", None, "Its time had passed before a post could be made."
        )
        if when.at > now:
            try:
                wanted = replace(recurrence.template.changes(), when=when)
                planned = await plan(tx, self.sending, post, [], wanted, now=now)
            except DomainError as refusal:
                noted = replace(noted, fate="refused", reason=_said(refusal))
            else:
                if await rows.known(recurrence.id, noted.local):
                    return
                await write(tx, self.ledger, post, planned, now=now, actor=SYSTEM, by="recurrence")
                noted = replace(noted, fate="planned", post_id=post.id, reason="")
        await rows.note(recurrence.id, noted)


def blank_of(recurrence: Recurrence, now: datetime) -> Post:
    """A post of which nothing is said yet, by whoever let it recur."""
    return Post(
        id=new_id(),
        organization_id=recurrence.organization_id,
        text="",
        status=PostStatus.DRAFT,
        when=None,
        created_by=recurrence.created_by,
        version=1,
        created_at=now,
        changed_at=now,
    )


def local_of(when: When) -> datetime:
    """What the clocks showed; every time that a rule brings has that."""
    return when.at.replace(tzinfo=None) if when.wall_clock is None else when.wall_clock.local


def _shown(at: datetime, zone: str) -> datetime:
    """What the clocks of a zone show then."""
    return at.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0, fold=0)


def _said(refusal: DomainError) -> str:
    first = refusal.errors[0].detail if refusal.errors else refusal.detail or refusal.title()
    return first[:500]
