"""Broadcasts on their way: whoever is next is handed to the ledger, never more than its lane takes soon.

So an answer of the team waits for a second or two at most, a pause stops what has not left, and a crash leaves rows
that say where to go on. Any number of workers share: one of them has a broadcast at a time.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from inbox.allowances.counting import account_for
from inbox.broadcasts.facts import change, halt, progress, totals
from inbox.broadcasts.falling_back import fall_back
from inbox.broadcasts.model import REACHED, Broadcast, State
from inbox.broadcasts.preparing import Preparing
from inbox.broadcasts.recipients.repository import RecipientRepository
from inbox.broadcasts.repository import BroadcastRepository, due, fold
from inbox.broadcasts.senders.repository import SenderRepository
from inbox.broadcasts.sending import BROADCAST
from inbox.channels.model import lane_of, pace_of
from inbox.templates.model import SENDABLE
from inbox.templates.repository import TemplateRepository
from inbox.whatsapp.pacing import PAIR_BURST, PAIR_WITHIN
from kit.db.database import Database, Row, Transaction
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane

AHEAD: Final = 1.5
"""Seconds of its lane that a broadcast may have in the ledger."""
LEAST: Final = 20
EVERY: Final = 0.25
_PART: Final = 3
"""It is given more when at least a third of that has left: few large steps cost less than many small ones."""
DAY: Final = timedelta(hours=24)
_TOLD: Final = timedelta(seconds=1)
_AT_ONCE: Final = 2000
_BROADCASTS: Final = 50
_TURN, _REST = timedelta(seconds=EVERY), timedelta(seconds=5)
_LONGEST_REST: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Feeding:
    """Takes each broadcast that is due one step further."""

    database: Database
    ledger: Callable[[], Ledger]
    preparing: Preparing

    async def run(self) -> bool:
        """A step for each broadcast that is due; true when one of them has more to do at once."""
        more = False
        for broadcast_id, organization_id in await due(self.database, _BROADCASTS):
            more |= await self.step(organization_id, broadcast_id)
        return more

    async def fold(self) -> bool:
        """Add up counts; true when there may be more."""
        return await fold(self.database, 5000) == 5000

    async def step(self, organization_id: UUID, broadcast_id: UUID) -> bool:
        """One step of one broadcast in one commit; true when the next one should follow at once."""
        async with self.database.transaction(organization_id) as tx:
            broadcast = await BroadcastRepository(tx).lock_free(broadcast_id)
            if broadcast is None:
                return False
            now = self.database.clock.now()
            if not broadcast.prepared and broadcast.state is not State.CANCELLED:
                prepared = await self.preparing.go_on(tx, broadcast, now)
                await BroadcastRepository(tx).save(replace(prepared, work_at=_next(prepared, now)))
                return True
            match broadcast.state:
                case State.CANCELLED:
                    return await self._clear(tx, broadcast, now)
                case State.SCHEDULED | State.RUNNING:
                    return await self._go_on(tx, broadcast, now)
                case _:
                    await self._after(tx, broadcast, now)
        return False

    async def _clear(self, tx: Transaction, broadcast: Broadcast, now: datetime) -> bool:
        """Whoever still waits gets it no more; then what was not used of the plan is free again."""
        recipients = RecipientRepository(tx)
        if await recipients.cancel(broadcast.id, _AT_ONCE):
            await BroadcastRepository(tx).save(replace(broadcast, work_at=now))
            return True
        rests = now + _REST if await recipients.any_open(broadcast.id) else None
        if rests is None:
            await self._account(tx, broadcast)
        await BroadcastRepository(tx).save(replace(broadcast, work_at=rests))
        return False

    async def _go_on(self, tx: Transaction, broadcast: Broadcast, now: datetime) -> bool:
        if broadcast.state is State.SCHEDULED:
            if broadcast.start_at is not None and broadcast.start_at > now:
                await BroadcastRepository(tx).save(replace(broadcast, work_at=broadcast.start_at))
                return False
            broadcast = await change(tx, broadcast.due(now))
        sender = await SenderRepository(tx).find(broadcast.channel_id)
        stopped = await _stopped(tx, broadcast, sender)
        if stopped or sender is None:
            await halt(tx, broadcast, now, stopped or "channel-disconnected")
            return False
        waits_for, fed = await self._feed(tx, broadcast, sender, now)
        broadcast = replace(broadcast, waits_for=waits_for)
        if broadcast.fallback is not None:
            await fall_back(tx, broadcast)
        if broadcast.told_at is None or now - broadcast.told_at >= _TOLD:
            counts = await BroadcastRepository(tx).counts([broadcast.id])
            broadcast = await progress(tx, broadcast, counts, now)
        await self._rest(tx, broadcast, now, fed)
        return False

    async def _feed(self, tx: Transaction, broadcast: Broadcast, sender: Row, now: datetime) -> tuple[str, int]:
        """Hand over who is next; what it waits for, if for anything, and how many were handed over."""
        recipients, pace = RecipientRepository(tx), pace_of(sender["rate"], sender["brake"])
        share = pace * AHEAD / max(1, await BroadcastRepository(tx).running(broadcast.channel_id))
        most = max(LEAST, math.ceil(share))
        room = most - await recipients.count_handed(broadcast.id)
        if room * _PART < most:
            return broadcast.waits_for, 0
        taken = await recipients.take(broadcast.id, min(room, _AT_ONCE))
        awake = [row for row in taken if not _until(broadcast, row, now)]
        resting = {row["id"]: until for row in taken if (until := _until(broadcast, row, now))}
        if resting:
            await recipients.put_off(resting)
        hot = await _too_hot(tx, broadcast, sender, awake)
        if hot:
            await recipients.put_off(hot)
            awake = [row for row in awake if row["id"] not in hot]
        allowed, free_at = await _within_tier(tx, broadcast, sender, awake, now)
        if free_at is not None:
            held = [row for row in awake if row["id"] not in {each["id"] for each in allowed}]
            await recipients.put_off({row["id"]: free_at for row in held})
        await self._hand(tx, broadcast, sender, allowed)
        waits_for = "tier" if free_at is not None else _rests(resting, hot, allowed)
        return waits_for or (broadcast.waits_for if not taken else ""), len(allowed)

    async def _hand(self, tx: Transaction, broadcast: Broadcast, sender: Row, rows: Sequence[Row]) -> None:
        if not rows:
            return
        lane_key = lane_of(broadcast.channel_id, sender["kind"])
        lane = Lane(tx.organization_id, lane_key, pace_of(sender["rate"], sender["brake"]))
        ids = [row["id"] for row in rows]
        await RecipientRepository(tx).hand(ids)
        await self.ledger().add(tx, *(Effect(BROADCAST, lane, each) for each in ids))

    async def _rest(self, tx: Transaction, broadcast: Broadcast, now: datetime, fed: int) -> None:
        """When to look again; completed when nobody is left."""
        recipients = RecipientRepository(tx)
        waiting, due_at = await recipients.next_due(broadcast.id)
        if waiting:
            later = due_at is not None and due_at > now + _TURN
            work_at = min(due_at, now + _LONGEST_REST) if later and due_at is not None else now + _TURN
        elif await recipients.count_handed(broadcast.id) or fed:
            work_at = now + _TURN
        elif await self._may_come_more(tx, broadcast, now):
            work_at = now + _REST
        else:
            await self._complete(tx, broadcast, now)
            return
        await BroadcastRepository(tx).save(replace(broadcast, work_at=work_at))

    async def _may_come_more(self, tx: Transaction, broadcast: Broadcast, now: datetime) -> bool:
        """Whether something may still become of somebody, or somebody be added."""
        if broadcast.kind == "fallback" and not await _parent_over(tx, broadcast, now):
            return True
        return await RecipientRepository(tx).any_open(broadcast.id)

    async def _complete(self, tx: Transaction, broadcast: Broadcast, now: datetime) -> None:
        counts = await BroadcastRepository(tx).counts([broadcast.id])
        completed = (await progress(tx, broadcast, counts, now)).completed(now)
        if completed.fallback is not None:
            completed = replace(completed, work_at=now + _REST)
        await change(tx, completed)
        await self._account(tx, broadcast)

    async def _account(self, tx: Transaction, broadcast: Broadcast) -> None:
        """What was set aside of the plan for it has been used, or is free again."""
        counts = totals(await BroadcastRepository(tx).counts([broadcast.id]))
        await account_for(tx, {broadcast.id: sum(counts.get(each, 0) for each in REACHED)})

    async def _after(self, tx: Transaction, broadcast: Broadcast, now: datetime) -> None:
        """For a day after its end, reports may still tell of people whom it did not reach."""
        work_at = None
        if broadcast.fallback is not None and broadcast.state is State.COMPLETED and not _over(broadcast, now):
            await fall_back(tx, broadcast)
            work_at = now + _LONGEST_REST
        await BroadcastRepository(tx).save(replace(broadcast, work_at=work_at))


def _next(broadcast: Broadcast, now: datetime) -> datetime | None:
    """When to look at one again whose recipients are being written down."""
    if not broadcast.prepared:
        return now
    return now if broadcast.state in (State.SCHEDULED, State.RUNNING, State.CANCELLED) else None


def _until(broadcast: Broadcast, row: Row, now: datetime) -> datetime | None:
    """Until when somebody is not to be woken."""
    if broadcast.quiet is None or broadcast.kind == "test":
        return None
    return broadcast.quiet.until(now, row["zone"] or broadcast.zone)


def _over(broadcast: Broadcast, now: datetime) -> bool:
    return broadcast.ended_at is not None and now - broadcast.ended_at > DAY


async def _parent_over(tx: Transaction, broadcast: Broadcast, now: datetime) -> bool:
    parent = await BroadcastRepository(tx).find(broadcast.parent_id or broadcast.id)
    return parent.state is State.CANCELLED or _over(parent, now)


async def _stopped(tx: Transaction, broadcast: Broadcast, sender: Row | None) -> str:
    """Why it cannot go on; empty when it can."""
    if sender is None or sender["state"] != "connected":
        return "channel-disconnected"
    if sender["health_code"].startswith("account-"):
        return str(sender["health_code"])
    ids = [each.template_id for each in broadcast.variants if each.template_id is not None]
    found = await TemplateRepository(tx).statuses(ids) if ids else {}
    stopped = [found.get(each, "deleted") for each in ids if found.get(each) not in SENDABLE]
    return f"template:{stopped[0]}" if stopped else ""


def _rests(resting: Mapping[UUID, datetime], hot: Mapping[UUID, datetime], allowed: Sequence[Row]) -> str:
    """What it waits for: somebody of those who were next, or all of them."""
    if hot:
        return "pair"
    return "quiet_hours" if resting and not allowed else ""


async def _too_hot(
    tx: Transaction, broadcast: Broadcast, sender: Row, rows: Sequence[Row]
) -> Mapping[UUID, datetime]:
    """Recipients who were written to from this number as often as WhatsApp lets one person be, and until when."""
    if sender["kind"] != "whatsapp" or not rows:
        return {}
    contacts = {row["contact_id"] for row in rows}
    found = await SenderRepository(tx).hot(broadcast.channel_id, contacts, PAIR_BURST, PAIR_WITHIN)
    until = {row["contact_id"]: row["free_at"] for row in found}
    return {row["id"]: until[row["contact_id"]] for row in rows if row["contact_id"] in until}


async def _within_tier(
    tx: Transaction, broadcast: Broadcast, sender: Row, rows: Sequence[Row], now: datetime
) -> tuple[Sequence[Row], datetime | None]:
    """Those who may be written to within the portfolio's limit, counted; and when there is room for the others."""
    templates = any(each.template_id is not None for each in broadcast.variants)
    if not rows or not templates:
        return rows, None
    senders, portfolio = SenderRepository(tx), sender["portfolio"]
    contacts = [row["contact_id"] for row in rows]
    known = await senders.counted(portfolio, broadcast.channel_id, contacts, DAY)
    fresh = [row for row in rows if row["contact_id"] not in known]
    allowed, free_at = fresh, None
    if sender["daily_limit"] is not None:
        opened, oldest = await senders.opened(portfolio, DAY)
        allowed = fresh[: max(0, sender["daily_limit"] - opened)]
        if len(allowed) < len(fresh):
            free_at = (oldest or now) + DAY
    if allowed:
        await senders.open(portfolio, [row["contact_id"] for row in allowed])
    may = {row["id"] for row in allowed}
    return [row for row in rows if row["contact_id"] in known or row["id"] in may], free_at
