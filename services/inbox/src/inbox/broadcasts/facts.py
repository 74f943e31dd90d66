from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from contracts.inbox import BroadcastChanged, BroadcastProgressed
from inbox.broadcasts.model import REACHED, Broadcast, Stand, State
from inbox.broadcasts.repository import BroadcastRepository
from kit.audit import SYSTEM, audited
from kit.db.database import Row, Transaction


async def change(tx: Transaction, broadcast: Broadcast) -> Broadcast:
    """Write it and tell where it stands now."""
    await BroadcastRepository(tx).save(broadcast)
    await tx.emit(
        BroadcastChanged(
            organization_id=tx.organization_id,
            version=broadcast.version,
            broadcast_id=broadcast.id,
            state=broadcast.state.value,
            reason=broadcast.reason,
        )
    )
    return broadcast


async def stop(tx: Transaction, broadcast_id: UUID, reason: str) -> None:
    """Pause it because of what the platform said; while somebody else has it, the next answer will say it again."""
    broadcasts = BroadcastRepository(tx)
    broadcast = await broadcasts.lock_free(broadcast_id, due=False)
    if broadcast is None or broadcast.state is not State.RUNNING:
        return
    await halt(tx, broadcast, broadcast.changed_at, reason)


async def halt(tx: Transaction, broadcast: Broadcast, now: datetime, reason: str) -> Broadcast:
    """Pause a broadcast that is locked, without a person; the audit trail says so."""
    paused = await change(tx, broadcast.paused(now, reason))
    await tx.emit(audited("inbox.broadcast.stopped", SYSTEM, "broadcast", broadcast.id, reason=reason))
    return paused


async def progress(tx: Transaction, broadcast: Broadcast, rows: Iterable[Row], now: datetime) -> Broadcast:
    """Tell how far it has come."""
    told = replace(broadcast, told_at=now, version=broadcast.version + 1)
    counts = totals(rows)
    await tx.emit(
        BroadcastProgressed(
            organization_id=tx.organization_id,
            version=told.version,
            broadcast_id=told.id,
            total=sum(counts.get(each, 0) for each in Stand),
            waiting=counts.get(Stand.WAITING, 0) + counts.get(Stand.HANDED, 0),
            unknown=counts.get(Stand.UNKNOWN, 0),
            sent=sum(counts.get(each, 0) for each in REACHED),
            delivered=counts.get(Stand.DELIVERED, 0) + counts.get(Stand.READ, 0),
            read=counts.get(Stand.READ, 0),
            failed=counts.get(Stand.FAILED, 0) + counts.get(Stand.UNCONFIRMED, 0),
            skipped=counts.get(Stand.SKIPPED, 0) + counts.get(Stand.CANCELLED, 0),
        )
    )
    return told


def totals(rows: Iterable[Row]) -> Mapping[str, int]:
    """How many stand where, over all variants."""
    counts = Counter[str]()
    for row in rows:
        counts[row["what"]] += row["n"]
    return counts
