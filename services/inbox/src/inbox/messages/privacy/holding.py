"""What was said with a contact, and by a user: handed over, and let go of."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from inbox.allowances.counting import account_for
from inbox.conversations.facts import tell_all_changed
from inbox.conversations.marking import MARK, TYPE
from inbox.conversations.repository import PersonsConversations
from inbox.messages.content import Sealing
from inbox.messages.model import Content
from inbox.messages.privacy.repository import PersonsMessages
from inbox.messages.reporting import SEND
from inbox.messages.repository import MessageRepository
from inbox.whatsapp.intake import SentIn
from kit.db.database import Database, Row, Transaction
from kit.ledger.ledger import Ledger
from kit.privacy.holding import ERASE, Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 200
_BATCH: Final = 500
_KINDS: Final = (SEND, MARK, TYPE)
_SHOWN: Final = (
    "id",
    "conversation_id",
    "channel_id",
    "direction",
    "kind",
    "provider_time",
    "sequence",
    "status",
    "status_at",
    "failure_code",
    "failure_reason",
    "author_id",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class MessageHolding:
    """Messages with their marks, receipts, effects, and what intake keeps of them. To be erased after their media."""

    database: Database
    sealing: Sealing
    ledger: Ledger
    sent_in: Sequence[SentIn]
    tables: ClassVar[frozenset[str]] = frozenset({"messages", "message_marks", "message_receipts"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Of a contact all that was said; of a user only which messages are theirs: the words are the contact's."""
        for organization_id in organization_ids:
            pages = self._of_contact if person.kind == "contact" else self._of_author
            async for rows in pages(organization_id, person.id):
                yield rows

    async def _of_contact(self, organization_id: UUID, contact_id: UUID) -> AsyncIterator[Rows]:
        async with self.database.snapshot(organization_id) as tx:
            found = await PersonsConversations(tx).of_contact(contact_id)
        for row in found:
            async for rows in self._messages(organization_id, row):
                yield rows
            async for rows in self._marks(organization_id, row["id"]):
                yield rows

    async def _messages(self, organization_id: UUID, conversation: Row) -> AsyncIterator[Rows]:
        place = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                rows = await MessageRepository(tx).page(conversation["id"], place, _PAGE, newer=True, parts=True)
                blinds = {row["provider_blind"]: row["id"] for row in rows if row["provider_blind"] is not None}
                receipts = await PersonsMessages(tx).receipts(conversation["channel_id"], blinds)
                kept = await self.ledger.kept(tx, _KINDS, [row["id"] for row in rows])
            contents = await self.sealing.contents(organization_id, [row["content_sealed"] for row in rows])
            yield Rows("messages", [_message(row, content) for row, content in zip(rows, contents, strict=True)])
            yield Rows("message_receipts", [_receipt(row, blinds[row["provider_blind"]]) for row in receipts])
            for name, of_table in kept.items():
                yield Rows(name, of_table)
            if len(rows) < _PAGE:
                return
            place = (rows[-1]["provider_time"], rows[-1]["sequence"])

    async def _marks(self, organization_id: UUID, conversation_id: UUID) -> AsyncIterator[Rows]:
        after: UUID | None = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsMessages(tx).marks(conversation_id, after, _PAGE)
            contents = await self.sealing.contents(organization_id, [row["content_sealed"] for row in rows])
            yield Rows("message_marks", [_mark(row, content) for row, content in zip(rows, contents, strict=True)])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def _of_author(self, organization_id: UUID, user_id: UUID) -> AsyncIterator[Rows]:
        after: tuple[UUID, UUID] | None = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                rows = await PersonsMessages(tx).page_of_author(user_id, organization_id, after, _PAGE)
            yield Rows("messages", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = (rows[-1]["conversation_id"], rows[-1]["id"])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """A batch of marks, or of messages with all that leads to them; a user's messages become nobody's.

        Raises:
            UnderWay: one of the messages is being sent just now; what becomes of it is waited for.
        """
        if person.kind == "user":
            return await self._unlink(tx, person.id)
        messages = PersonsMessages(tx)
        marks = await messages.delete_marks(person.id, _BATCH)
        if marks == _BATCH:
            return Erased(removed={"message_marks": marks}, more=True)
        ids = await messages.next_ids(person.id, _BATCH, filled=way != ERASE)
        removed = {"message_marks": marks, **(await self._forget(tx, ids, way) if ids else {})}
        if len(ids) == _BATCH or way == ERASE:
            return Erased(removed=removed, more=len(ids) == _BATCH)
        return Erased(removed=removed, anonymised={"messages": await messages.emptied(person.id)})

    async def _forget(self, tx: Transaction, ids: Sequence[UUID], way: str) -> dict[str, int]:
        """The effects first: workers take them before the messages."""
        messages = PersonsMessages(tx)
        removed = await self.ledger.forget(tx, _KINDS, ids)
        rows = await messages.lock(ids)
        receipts = await messages.delete_receipts(ids)
        removed["message_receipts"] = len(receipts)
        for sent_in in self.sent_in:
            for table, count in (await sent_in.forget_messages(tx, rows, receipts)).items():
                removed[table] = removed.get(table, 0) + count
        if way == ERASE:
            removed["messages"] = await messages.delete(ids)
        else:
            await messages.empty(ids)
        await account_for(tx, dict.fromkeys(ids, 0))  # what never left is free again
        return removed

    async def _unlink(self, tx: Transaction, user_id: UUID) -> Erased:
        conversations = await PersonsMessages(tx).unlink(user_id, 2 * _BATCH)
        await tell_all_changed(tx, await PersonsConversations(tx).touch(set(conversations)))
        return Erased(unlinked={"messages": len(conversations)}, more=len(conversations) == 2 * _BATCH)


def _message(row: Row, content: Content | None) -> dict[str, object]:
    return {**{name: row[name] for name in _SHOWN}, **_told(content)}


def _mark(row: Row, content: Content | None) -> dict[str, object]:
    return {**{name: row[name] for name in ("id", "conversation_id", "kind", "provider_time")}, **_told(content)}


def _receipt(row: Row, message_id: UUID) -> dict[str, object]:
    return {"message_id": message_id, **{name: row[name] for name in ("status", "provider_time", "code", "reason")}}


def _told(content: Content | None) -> dict[str, object]:
    return {"text": None if content is None else content.text, "detail": None if content is None else content.detail}
