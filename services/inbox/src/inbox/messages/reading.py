"""Messages as they are shown: rows with what belongs to them, opened with one look-up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from inbox.channels.catalogue import Catalogue
from inbox.channels.kinds import KINDS
from inbox.channels.repository import ChannelRepository
from inbox.media.repository import MediaRepository
from inbox.messages.content import Sealing
from inbox.messages.model import Attachment, Content, Mark, Message, MessagePart, Status
from inbox.messages.partial.repository import PartRepository
from inbox.messages.parts import PARTS
from inbox.messages.repository import MessageRepository
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one conversation's messages, and the rows that belong to them."""

    messages: Sequence[Row]
    marks: Sequence[Row]
    media: Sequence[Row]
    replies: dict[bytes, UUID]
    parts: Sequence[Row] = ()
    """Of those that leave in several: their parts."""
    errors: Catalogue | None = None
    """What the errors of the conversation's channel mean; read only where something failed."""


async def read_rows(tx: Transaction, rows: Sequence[Row]) -> Rows:
    """Everything that belongs to these messages; five questions, however many they are."""
    if not rows:
        return Rows((), (), (), {})
    messages, channel_id = MessageRepository(tx), rows[0]["channel_id"]
    wholes = [row["id"] for row in rows if row["kind"] == PARTS]
    parts = await PartRepository(tx).shown(wholes) if wholes else []
    targets = [row["provider_blind"] for row in (*rows, *parts) if row["provider_blind"] is not None]
    quoted = [row["reply_to_blind"] for row in rows if row["reply_to_blind"] is not None]
    return Rows(
        rows,
        await messages.marks(channel_id, targets),
        await MediaRepository(tx).of_messages([row["id"] for row in rows]),
        await messages.ids_of(channel_id, quoted) if quoted else {},
        parts,
        await _errors(tx, channel_id) if any(row["failure_code"] for row in (*rows, *parts)) else None,
    )


async def _errors(tx: Transaction, channel_id: UUID) -> Catalogue | None:
    known = KINDS.get(await ChannelRepository(tx).kind_of(channel_id) or "")
    return None if known is None else known[1]


async def opened(sealing: Sealing, organization_id: UUID, rows: Rows) -> list[Message]:
    """The messages in the clear, in the order of their rows."""
    both = [*rows.messages, *rows.marks, *rows.parts]
    contents = await sealing.contents(organization_id, [row["content_sealed"] for row in both]) if both else []
    marks: dict[bytes | UUID | None, list[Mark]] = {}
    begin = len(rows.messages)
    for row, content in zip(rows.marks, contents[begin : begin + len(rows.marks)], strict=True):
        mark = Mark(row["kind"], content or Content(), row["provider_time"])
        marks.setdefault(row["target_blind"], []).append(mark)
    parts: dict[UUID, list[MessagePart]] = {}
    for row, content in zip(rows.parts, contents[begin + len(rows.marks) :], strict=True):
        parts.setdefault(row["whole_id"], []).append(_part(row, content, rows.errors))
        marks.setdefault(row["whole_id"], []).extend(marks.get(row["provider_blind"], ()))
    media: dict[UUID, list[Attachment]] = {}
    for row in rows.media:
        media.setdefault(row["message_id"], []).append(_attachment(row))
    return [
        replace(
            _message(row, content, rows, tuple(marks.get(_marked(row), ())), tuple(media.get(row["id"], ()))),
            parts=tuple(parts.get(row["id"], ())),
        )
        for row, content in zip(rows.messages, contents, strict=False)
    ]


def _attachment(row: Row) -> Attachment:
    return Attachment(row["id"], row["kind"], row["state"], row["media_type"], row["size"], row["failure_reason"])


def _marked(row: Row) -> bytes | UUID | None:
    """By what the marks of a message are found: of a whole they are those of its parts."""
    marked: bytes | UUID | None = row["id"] if row["kind"] == PARTS else row["provider_blind"]
    return marked


def _part(row: Row, content: Content | None, errors: Catalogue | None) -> MessagePart:
    code = row["failure_code"]
    rule = errors.told(code) if errors is not None and code else None
    return MessagePart(
        id=row["id"],
        number=row["part_number"],
        attempt=row["part_attempt"],
        kind=row["kind"],
        content=content,
        status=Status(row["status"]),
        status_at=row["status_at"],
        failure_code=code,
        failure_reason=row["failure_reason"],
        failure_sort="" if rule is None else rule.sort,
        failure_advice="" if rule is None else rule.advice,
    )


def _message(
    row: Row, content: Content | None, rows: Rows, marks: tuple[Mark, ...], media: tuple[Attachment, ...]
) -> Message:
    code = row["failure_code"]
    rule = rows.errors.told(code) if rows.errors is not None and code else None
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
        failure_sort="" if rule is None else rule.sort,
        failure_advice="" if rule is None else rule.advice,
        reply_to=rows.replies.get(row["reply_to_blind"]),
        marks=marks,
        media=media,
    )
