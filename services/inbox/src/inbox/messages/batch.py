"""Messages of one channel that are applied together: read at once what they need, write at once what they become."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from inbox.contacts.blind import Blind
from inbox.contacts.recognizing import Recognizing
from inbox.contacts.repository import ContactRepository
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository
from inbox.messages.repository import MessageRepository, NewMessage
from inbox.whatsapp.saying import Said
from kit.db.database import Transaction
from kit.errors import TransientError
from kit.ids import new_id


class Overtaken(TransientError):
    """Another worker has just written one of these messages."""


@dataclass(slots=True)
class Batch:
    """What the messages of one channel have in common while they are applied one after the other.

    Each sees what those before it have changed; the rows of conversations are locked from the beginning.
    """

    tx: Transaction
    blind: Blind
    channel_id: UUID
    contacts: ContactRepository
    known: set[bytes]
    """The platform's ids, hashed, of messages and marks that are there."""
    _conversations: dict[UUID, Conversation]
    _changed: set[UUID] = field(default_factory=set)
    _messages: list[NewMessage] = field(default_factory=list)

    @classmethod
    async def read(
        cls, tx: Transaction, blind: Blind, channel_id: UUID, several: Iterable[Said], recognizing: Recognizing
    ) -> "Batch":
        """Read what these will ask for."""
        said, contacts = list(several), ContactRepository(tx)
        blinds = {blind("message", each.provider_id) for each in said}
        known = await MessageRepository(tx).known(channel_id, blinds)
        held = await recognizing.read_ahead(contacts, blind, said)
        with_whom = {each.contact_id for each in held}
        conversations = await ConversationRepository(tx).lock_all_with(channel_id, with_whom) if with_whom else {}
        return cls(tx, blind, channel_id, contacts, known, conversations)

    async def conversation(self, contact_id: UUID) -> tuple[Conversation, bool]:
        """The one conversation with this contact on this channel, locked, and whether it is new.

        It is reused for ever and reopened when it was resolved. Of two that would open it at once the unique index
        lets one; the other waits for it and goes on with the same.
        """
        found, new = self._conversations.get(contact_id), False
        if found is None:
            found, new = await self._opened(contact_id)
            self._conversations[contact_id] = found
        return found, new

    async def _opened(self, contact_id: UUID) -> tuple[Conversation, bool]:
        conversations = ConversationRepository(self.tx)
        found = await conversations.lock_with(self.channel_id, contact_id)
        if found is not None:
            return found, False
        opened = await conversations.open(new_id(), self.channel_id, contact_id)
        if opened is not None:
            return opened, True
        found = await conversations.lock_with(self.channel_id, contact_id)
        if found is None:
            raise LookupError("the index says that there is one")
        return found, False

    def add(self, message: NewMessage) -> None:
        """Have a message written with the others."""
        self._messages.append(message)

    def save(self, conversation: Conversation) -> None:
        """Have a conversation written as it is now."""
        self._conversations[conversation.contact_id] = conversation
        self._changed.add(conversation.contact_id)

    async def write(self) -> None:
        """Write messages and conversations.

        Raises:
            Overtaken: one of the messages is there by now.
        """
        if self._messages and await MessageRepository(self.tx).add(*self._messages) != len(self._messages):
            raise Overtaken
        if self._changed:
            await ConversationRepository(self.tx).save(*map(self._conversations.__getitem__, self._changed))
