"""Messages of one channel that are applied together: read at once what they need, write at once what they become."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from inbox.channels.base import Said
from inbox.channels.model import Place
from inbox.contacts.blind import Blind
from inbox.contacts.recognizing import Recognizing, Writer
from inbox.contacts.repository import ContactRepository
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository
from inbox.messages.repository import MessageRepository, NewMark, NewMessage
from kit.db.database import Transaction
from kit.errors import TransientError
from kit.ids import new_id


class Overtaken(TransientError):
    """Another worker has just written one of these messages, or merged one of these contacts."""


@dataclass(slots=True)
class Batch:
    """What the messages of one channel have in common while they are applied one after the other.

    Each sees what those before it have changed; the rows of conversations are locked from the beginning.
    """

    tx: Transaction
    blind: Blind
    place: Place
    contacts: ContactRepository
    known: set[bytes]
    """The platform's ids, hashed, of messages and marks that are there."""
    _conversations: dict[UUID, Conversation]
    _before: dict[UUID, datetime | None]
    now: datetime
    """When the last of these was received."""
    blocked: frozenset[UUID]
    """Contacts, as they are shown, of whom nobody wants to hear."""
    _changed: set[UUID] = field(default_factory=set)
    _written_by: set[UUID] = field(default_factory=set)
    _messages: list[NewMessage] = field(default_factory=list)
    _marks: list[NewMark] = field(default_factory=list)

    @classmethod
    async def read(
        cls,
        tx: Transaction,
        blind: Blind,
        place: Place,
        several: Sequence[tuple[Said, datetime]],
        recognizing: Recognizing,
    ) -> "Batch":
        """Read what these will ask for."""
        said, contacts = [each for each, _ in several], ContactRepository(tx)
        blinds = {blind("message", each.provider_id) for each in said}
        known = await MessageRepository(tx).known(place.channel_id, blinds)
        held = await recognizing.read_ahead(contacts, blind, said)
        with_whom = {each.head for each in held}
        conversations = (
            await ConversationRepository(tx).lock_all_with(place.channel_id, with_whom) if with_whom else {}
        )
        before = {contact_id: each.window_open_until for contact_id, each in conversations.items()}
        merged = {each.contact_id: each.head for each in held if each.head != each.contact_id}
        if any(each.continued_in is not None for each in conversations.values()) or (
            merged and await contacts.heads(merged) != merged
        ):
            raise Overtaken
        blocked = frozenset(each.head for each in held if each.blocked)
        return cls(tx, blind, place, contacts, known, conversations, before, max(at for _, at in several), blocked)

    async def conversation(self, writer: Writer) -> tuple[Conversation, bool]:
        """The one conversation with this contact on this channel, locked, and whether it is new.

        It is reused for ever and reopened when it was resolved. Of two that would open it at once the unique index
        lets one; the other waits for it and goes on with the same.
        """
        found, new = self._conversations.get(writer.head), False
        if found is None:
            found, new = await self._opened(writer)
            self._conversations[writer.head] = found
        return found, new

    async def _opened(self, writer: Writer) -> tuple[Conversation, bool]:
        """Found or opened.

        Raises:
            Overtaken: the contact was merged, or taken apart, while we waited for a lock.
        """
        conversations, contact_id = ConversationRepository(self.tx), writer.head
        found = await conversations.lock_with(self.place.channel_id, contact_id)
        if found is not None:
            return _live(found), False
        opened = await conversations.open(new_id(), self.place.channel_id, contact_id, self.place.platform.kind)
        if opened is not None:
            known = contact_id in self.contacts.made
            if not known and await self.contacts.heads(writer) != dict.fromkeys(writer, contact_id):
                raise Overtaken
            return opened, True
        found = await conversations.lock_with(self.place.channel_id, contact_id)
        if found is None:
            raise Overtaken
        return _live(found), False

    def with_whom(self, contact_id: UUID) -> Conversation | None:
        """The conversation with a contact as it is by now, if these messages are in it."""
        return self._conversations.get(contact_id)

    def add(self, message: NewMessage) -> None:
        """Have a message written with the others."""
        self._messages.append(message)

    @property
    def written_elsewhere(self) -> dict[bytes, UUID]:
        """Messages of the organization that came back from the platform, by its ids, hashed."""
        ours = (each for each in self._messages if each.direction == "out")
        return {each.provider_blind: each.id for each in ours if each.provider_blind is not None}

    def opened(self) -> list[Conversation]:
        """Conversations whose window was closed before this batch and is open now, in which something may wait."""
        changed = (self._conversations[each] for each in self._written_by)
        return [each for each in changed if _open(each.window_open_until, self.now) and not self._was_open(each)]

    def _was_open(self, conversation: Conversation) -> bool:
        return _open(self._before.get(conversation.contact_id), self.now)

    def save(self, conversation: Conversation, *, opens: bool = False) -> None:
        """Have a conversation written as it is now; `opens` says that the contact has written."""
        if opens:
            self._written_by.add(conversation.contact_id)
        self._conversations[conversation.contact_id] = conversation
        self._changed.add(conversation.contact_id)

    def mark(self, mark: NewMark) -> None:
        """Have a reaction, an edit or a withdrawal written with the others."""
        self._marks.append(mark)

    async def write(self) -> None:
        """Write messages, marks and conversations.

        Raises:
            Overtaken: one of the messages or marks is there by now.
        """
        messages = MessageRepository(self.tx)
        if self._messages and await messages.add(*self._messages) != len(self._messages):
            raise Overtaken
        if self._marks and await messages.mark(*self._marks) != len(self._marks):
            raise Overtaken
        if self._changed:
            await ConversationRepository(self.tx).save(*map(self._conversations.__getitem__, self._changed))


def _live(conversation: Conversation) -> Conversation:
    if conversation.continued_in is not None:
        raise Overtaken
    return conversation


def _open(until: datetime | None, now: datetime) -> bool:
    return until is not None and now < until
