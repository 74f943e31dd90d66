"""The status of a message of ours rises, and the facts that tell of it leave with the commit."""

from dataclasses import replace
from datetime import datetime

from contracts.inbox import MessageFailed, MessageSent, MessageStatusChanged
from inbox.messages.model import Status, risen
from inbox.messages.repository import MessageRepository, Standing
from kit.db.database import Row, Transaction


async def rise(
    tx: Transaction, standing: Standing, reported: Status, at: datetime, *, code: str = "", reason: str = ""
) -> Standing:
    """The message as it stands after a report; nothing is written or told when the status does not rise."""
    status = risen(standing.status, reported)
    if status is standing.status:
        return standing
    return await stand(tx, standing, status, at, code=code, reason=reason)


async def stand(
    tx: Transaction, standing: Standing, status: Status, at: datetime, *, code: str = "", reason: str = ""
) -> Standing:
    """Write a status, whatever it was before."""
    now = replace(standing, status=status, version=standing.version + 1)
    await MessageRepository(tx).stand(now, at, code, reason)
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
