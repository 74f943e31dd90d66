"""The status of a message of ours rises, and the facts that tell of it leave with the commit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from contracts.inbox import MessageFailed, MessageSent, MessageStatusChanged
from inbox.messages.model import Status, highest, risen
from inbox.messages.outgoing.repository import OutgoingRepository
from inbox.messages.repository import MessageRepository, Reported, Standing
from kit.db.database import Row, Transaction


async def rise(
    tx: Transaction, standing: Standing, reported: Status, at: datetime, *, code: str = "", reason: str = ""
) -> Standing:
    """The message as it stands after a report; nothing is written or told when the status does not rise."""
    status = risen(standing.status, reported)
    if status is standing.status:
        return standing
    return await stand(tx, standing, status, at, code=code, reason=reason)


async def rise_all(tx: Transaction, several: Sequence[tuple[Standing, Sequence[Reported]]]) -> None:
    """Raise messages to the highest of their reports, which is told; all are written at once."""
    facts: list[MessageSent | MessageFailed | MessageStatusChanged] = []
    written: list[tuple[Standing, Reported]] = []
    for standing, reports in several:
        status = highest(standing.status, (each.status for each in reports))
        if status is standing.status:
            continue
        report = next(each for each in reports if each.status is status)
        now = replace(standing, status=status, version=standing.version + 1)
        if now.whole_id is None:
            facts.append(_fact(tx, now, report.provider_time, report.code))
        written.append((now, report))
    if written:
        await OutgoingRepository(tx).stand(written)
        await tx.emit(*facts)


async def stand(
    tx: Transaction, standing: Standing, status: Status, at: datetime, *, code: str = "", reason: str = ""
) -> Standing:
    """Write a status, whatever it was before."""
    now = replace(standing, status=status, version=standing.version + 1)
    await MessageRepository(tx).stand(now, at, code, reason)
    if now.whole_id is None:  # what is told is told of the whole
        await tx.emit(_fact(tx, now, at, code))
    return now


def sent_fact(tx: Transaction, row: Row) -> MessageSent:
    """The fact that a message was sent, from its row."""
    return MessageSent(
        organization_id=tx.organization_id,
        version=row["version"],
        message_id=row["id"],
        conversation_id=row["conversation_id"],
        sent_at=row["status_at"],
    )


def status_fact(tx: Transaction, row: Row, status: Status, at: datetime) -> MessageStatusChanged:
    """The fact that a message stands somewhere else, from its row."""
    return MessageStatusChanged(
        organization_id=tx.organization_id,
        version=row["version"],
        message_id=row["id"],
        conversation_id=row["conversation_id"],
        status=status.value,
        changed_at=at,
    )


def _fact(
    tx: Transaction, standing: Standing, at: datetime, code: str
) -> MessageSent | MessageFailed | MessageStatusChanged:
    if standing.status is Status.SENT:
        return MessageSent(
            organization_id=tx.organization_id,
            version=standing.version,
            message_id=standing.id,
            conversation_id=standing.conversation_id,
            sent_at=at,
        )
    if standing.status is Status.FAILED:
        return MessageFailed(
            organization_id=tx.organization_id,
            version=standing.version,
            message_id=standing.id,
            conversation_id=standing.conversation_id,
            code=code,
        )
    return MessageStatusChanged(
        organization_id=tx.organization_id,
        version=standing.version,
        message_id=standing.id,
        conversation_id=standing.conversation_id,
        status=standing.status.value,
        changed_at=at,
    )
