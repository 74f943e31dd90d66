"""Messages as they are shown: rows with what belongs to them, opened with one look-up."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from inbox.media.repository import MediaRepository
from inbox.messages.content import Sealing
from inbox.messages.model import Attachment, Content, Mark, Message, Status
from inbox.messages.repository import MessageRepository
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one conversation's messages, and the rows that belong to them."""

    messages: Sequence[Row]
    marks: Sequence[Row]
    media: Sequence[Row]
    replies: dict[bytes, UUID]


async def read_rows(tx: Transaction, rows: Sequence[Row]) -> Rows:
    """Everything that belongs to these messages; three questions, however many they are."""
    if not rows:
        return Rows((), (), (), {})
    messages, channel_id = MessageRepository(tx), rows[0]["channel_id"]
    targets = [row["provider_blind"] for row in rows if row["provider_blind"] is not None]
    quoted = [row["reply_to_blind"] for row in rows if row["reply_to_blind"] is not None]
    return Rows(
        rows,
        await messages.marks(channel_id, targets),
        await MediaRepository(tx).of_messages([row["id"] for row in rows]),
        await messages.ids_of(channel_id, quoted) if quoted else {},
    )


async def opened(sealing: Sealing, organization_id: UUID, rows: Rows) -> list[Message]:
    """The messages in the clear, in the order of their rows."""
    both = [*rows.messages, *rows.marks]
    contents = await sealing.contents(organization_id, [row["content_sealed"] for row in both]) if both else []
    marks: dict[bytes, list[Mark]] = {}
    for row, content in zip(rows.marks, contents[len(rows.messages) :], strict=True):
        mark = Mark(row["kind"], content or Content(), row["provider_time"])
        marks.setdefault(row["target_blind"], []).append(mark)
    media: dict[UUID, list[Attachment]] = {}
    for row in rows.media:
        media.setdefault(row["message_id"], []).append(_attachment(row))
    return [
        _message(row, content, rows, tuple(marks.get(row["provider_blind"], ())), tuple(media.get(row["id"], ())))
        for row, content in zip(rows.messages, contents, strict=False)
    ]


def _attachment(row: Row) -> Attachment:
    return Attachment(row["id"], row["kind"], row["state"], row["media_type"], row["size"], row["failure_reason"])


def _message(
    row: Row, content: Content | None, rows: Rows, marks: tuple[Mark, ...], media: tuple[Attachment, ...]
) -> Message:
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        channel_id=row["channel_id"],
        direction=row["direction"],
        kind=row["kind"],
        content=content,
        provider_time=row["provider_time"],
        sequence=row["sequence"],
        status=Status(row["status"]),
        status_at=row["status_at"],
        failure_code=row["failure_code"],
        failure_reason=row["failure_reason"],
        author_id=row["author_id"],
        version=row["version"],
        created_at=row["created_at"],
        reply_to=rows.replies.get(row["reply_to_blind"]),
        marks=marks,
        media=media,
    )
