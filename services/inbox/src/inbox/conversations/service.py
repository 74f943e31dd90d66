from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from contracts.audit import AuditEntry
from inbox.channels.model import lane_of
from inbox.channels.repository import ChannelRepository
from inbox.contacts.recognizing import NAME
from inbox.contacts.repository import ContactRepository
from inbox.conversations.errors import AssigneeNotAMember
from inbox.conversations.facts import tell_changed
from inbox.conversations.marking import MARK
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository, Filter
from inbox.conversations.schemas import ChangeConversation, MarkRead
from inbox.members.repository import MemberRepository
from inbox.messages.repository import MessageRepository
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane
from kit.seal import Keyring

Named = tuple[Conversation, str | None]
"""A conversation with the name of its contact."""


@dataclass(frozen=True, slots=True)
class ConversationService:
    """Conversations as the team works on them."""

    database: Database
    ledger: Ledger
    keyring: Keyring

    async def read(self, caller: MemberCaller, conversation_id: UUID) -> Named:
        """One conversation."""
        async with self.database.snapshot(caller.organization_id) as tx:
            conversation = await ConversationRepository(tx).find(conversation_id)
            names = await ContactRepository(tx).names([conversation.contact_id])
        (named,) = await self._named(caller.organization_id, [conversation], names)
        return named

    async def page(
        self, caller: MemberCaller, wanted: Filter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Named]:
        """Conversations, the one with the newest message first; two questions, however many they are."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await ConversationRepository(tx).page(wanted, after, limit)
            names = await ContactRepository(tx).names([each.contact_id for each in found])
        return await self._named(caller.organization_id, found, names)

    async def change(
        self, caller: MemberCaller, conversation_id: UUID, wanted: ChangeConversation, expected: Condition
    ) -> Named:
        """Give it to somebody, or put it into another state.

        The assignee is locked before the conversation, in the order in which those who leave give theirs back.

        Raises:
            AssigneeNotAMember: nobody here who works on conversations.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            conversations, assignee = ConversationRepository(tx), wanted.assignee_id
            suits = assignee is None or await MemberRepository(tx).answers(assignee)
            before = await conversations.lock(conversation_id)
            expected.check(before.version)
            if not suits:
                raise AssigneeNotAMember
            given = "assignee_id" in wanted.model_fields_set
            now = before.changed(wanted.state, wanted.assignee_id if given else before.assignee_id)
            if now.version != before.version:
                await conversations.save(now)
                await tell_changed(tx, now)
                await tx.emit(*_lines(caller, before, now))
            names = await ContactRepository(tx).names([now.contact_id])
        (named,) = await self._named(caller.organization_id, [now], names)
        return named

    async def mark_read(self, caller: MemberCaller, conversation_id: UUID, wanted: MarkRead) -> Named:
        """The team has read up to here; what comes in meanwhile stays unread."""
        async with self.database.transaction(caller.organization_id) as tx:
            conversations = ConversationRepository(tx)
            before = await conversations.lock(conversation_id)
            up_to = before.last_sequence if wanted.up_to_sequence is None else wanted.up_to_sequence
            up_to = max(before.read_sequence, min(up_to, before.last_sequence))
            unread = await conversations.unread_after(conversation_id, up_to)
            now = replace(before, read_sequence=up_to, unread_count=unread)
            if now != before:
                now = replace(now, version=before.version + 1)
                await conversations.save(now)
                await tell_changed(tx, now)
            if wanted.tell_contact:
                await self._tell_contact(tx, now)
            names = await ContactRepository(tx).names([now.contact_id])
        (named,) = await self._named(caller.organization_id, [now], names)
        return named

    async def _tell_contact(self, tx: Transaction, conversation: Conversation) -> None:
        """Marking the newest message shows all before it as read, too."""
        newest = await MessageRepository(tx).last_received(conversation.id)
        channel = await ChannelRepository(tx).find(conversation.channel_id)
        if newest is not None and channel.connected:
            lane = Lane(tx.organization_id, lane_of(channel.id), float(channel.rate))
            await self.ledger.add(tx, Effect(MARK, lane, newest))

    async def _named(
        self, organization_id: UUID, found: Sequence[Conversation], sealed: dict[UUID, bytes]
    ) -> list[Named]:
        told = list(sealed.items())
        opened = await self.keyring.open_many(organization_id, [(name, NAME) for _, name in told]) if told else []
        names = {
            contact_id: name.decode(errors="replace")
            for (contact_id, _), name in zip(told, opened, strict=True)
            if name is not None
        }
        return [(each, names.get(each.contact_id)) for each in found]


def _lines(caller: MemberCaller, before: Conversation, now: Conversation) -> Iterator[AuditEntry]:
    """Who gave it to whom, and who put it into which state."""
    if now.assignee_id != before.assignee_id:
        to = "nobody" if now.assignee_id is None else str(now.assignee_id)
        yield audited("inbox.conversation.assigned", caller, "conversation", now.id, to=to)
    if now.state != before.state:
        yield audited(
            "inbox.conversation.state_changed",
            caller,
            "conversation",
            now.id,
            state=now.state.value,
            before=before.state.value,
        )
