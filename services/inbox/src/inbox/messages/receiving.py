"""A message of a contact becomes rows: who wrote, in which conversation, what, and what came with it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.inbox import MessageReceived
from inbox.channels.model import media_lane_of
from inbox.contacts.blind import Blind
from inbox.contacts.recognizing import Recognizing, subject
from inbox.conversations.facts import tell_changed, tell_opened, tell_reopened
from inbox.conversations.model import Conversation, ConversationState
from inbox.conversations.repository import ConversationRepository
from inbox.media.fetching import FETCH, FETCHABLE, FILENAME
from inbox.media.repository import MediaRepository, NewMedia
from inbox.messages.content import Sealing
from inbox.messages.model import Status
from inbox.messages.repository import MessageRepository, NewMark, NewMessage
from inbox.whatsapp.saying import About, Said
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane

WINDOW: Final = timedelta(hours=24)
"""How long after their last message a contact may be written to freely; that their number changed is no message."""

_AHEAD: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Receiving:
    """Applies messages that came in. Nothing here asks whether the channel is well: receiving goes on."""

    ledger: Ledger
    recognizing: Recognizing
    sealing: Sealing

    async def apply(self, tx: Transaction, blind: Blind, channel_id: UUID, said: Said, received_at: datetime) -> bool:
        """Apply one message; False when it was applied before."""
        messages = MessageRepository(tx)
        provider_blind = blind("message", said.provider_id)
        if await messages.known(channel_id, provider_blind):
            return False
        at = min(said.time or received_at, received_at + _AHEAD)
        contact_id = await self.recognizing.contact(tx, blind, said, at)
        conversation, new = await self._conversation(tx, channel_id, contact_id)
        if said.about is not None and said.about.target:
            return await self._mark(tx, blind, conversation, said, at=at)
        message = await self._message(tx, blind, conversation, said, at)
        if not await messages.add(message):
            return False
        await self._media(tx, conversation, message, said)
        await self._tell(tx, conversation, message, new=new)
        return True

    async def _conversation(self, tx: Transaction, channel_id: UUID, contact_id: UUID) -> tuple[Conversation, bool]:
        """The one conversation with this contact on this channel, locked, and whether it is new.

        It is reused for ever and reopened when it was resolved. Of two that would open it at once the unique index
        lets one; the other waits for it and goes on with the same.
        """
        conversations = ConversationRepository(tx)
        found = await conversations.lock_with(channel_id, contact_id)
        if found is not None:
            return found, False
        opened = await conversations.open(new_id(), channel_id, contact_id)
        if opened is not None:
            return opened, True
        found = await conversations.lock_with(channel_id, contact_id)
        if found is None:
            raise LookupError("the index says that there is one")
        return found, False

    async def _message(
        self, tx: Transaction, blind: Blind, conversation: Conversation, said: Said, at: datetime
    ) -> NewMessage:
        organization_id, contact_id = tx.organization_id, conversation.contact_id
        return NewMessage(
            id=new_id(),
            conversation_id=conversation.id,
            channel_id=conversation.channel_id,
            direction="in",
            kind=said.kind,
            content_sealed=await self.sealing.content(organization_id, contact_id, said.content),
            provider_blind=blind("message", said.provider_id),
            provider_sealed=await self.sealing.provider_id(organization_id, contact_id, said.provider_id),
            reply_to_blind=blind("message", said.reply_to) if said.reply_to else None,
            provider_time=at,
            sequence=conversation.last_sequence + 1,
            status=Status.RECEIVED,
        )

    async def _tell(self, tx: Transaction, before: Conversation, message: NewMessage, *, new: bool) -> None:
        """Count the message in its conversation and let the facts leave."""
        at = message.provider_time
        until = (
            before.window_open_until if message.kind == "system" else _later(before.window_open_until, at + WINDOW)
        )
        now = replace(
            before,
            state=ConversationState.OPEN if before.reopens else before.state,
            unread_count=before.unread_count + 1,
            last_sequence=message.sequence,
            last_message_at=at if new else max(before.last_message_at, at),
            window_open_until=until,
            version=before.version if new else before.version + 1,
        )
        await ConversationRepository(tx).save(now)
        if new:
            await tell_opened(tx, now)
        elif before.reopens:
            await tell_reopened(tx, now)
        await tx.emit(
            MessageReceived(
                organization_id=tx.organization_id,
                message_id=message.id,
                conversation_id=now.id,
                channel_id=now.channel_id,
                kind=message.kind,
                sequence=message.sequence,
                provider_time=at,
                conversation_version=now.version,
            )
        )

    async def _mark(
        self, tx: Transaction, blind: Blind, conversation: Conversation, said: Said, *, at: datetime
    ) -> bool:
        """A reaction, an edit or a withdrawal: it belongs to its message, also when it comes before it."""
        about = said.about or About("revoke", "")
        sealed = await self.sealing.content(tx.organization_id, conversation.contact_id, said.content)
        written = await MessageRepository(tx).mark(
            NewMark(
                id=new_id(),
                conversation_id=conversation.id,
                channel_id=conversation.channel_id,
                kind=about.kind,
                provider_blind=blind("message", said.provider_id),
                target_blind=blind("message", about.target),
                content_sealed=sealed,
                provider_time=at,
            )
        )
        if written:
            now = replace(
                conversation,
                window_open_until=_later(conversation.window_open_until, at + WINDOW),
                version=conversation.version + 1,
            )
            await ConversationRepository(tx).save(now)
            await tell_changed(tx, now)
        return written

    async def _media(self, tx: Transaction, conversation: Conversation, message: NewMessage, said: Said) -> None:
        """Know of the medium at once and have it fetched; the platform keeps it for seven days."""
        if said.medium is None:
            return
        medium, media_id, filename = said.medium, new_id(), None
        if medium.filename:
            told = medium.filename.encode(errors="surrogatepass")
            owner = subject(conversation.contact_id)
            filename = await self.sealing.keyring.seal(tx.organization_id, told, FILENAME, subject=owner)
        await MediaRepository(tx).add(
            NewMedia(
                id=media_id,
                message_id=message.id,
                conversation_id=conversation.id,
                channel_id=conversation.channel_id,
                kind=medium.kind,
                provider_id=medium.id,
                announced_type=medium.media_type.replace("\0", ""),
                announced_hash=medium.sha256.replace("\0", ""),
                filename_sealed=filename,
            )
        )
        lane = Lane(tx.organization_id, media_lane_of(conversation.channel_id))
        expires_at = message.provider_time + FETCHABLE
        await self.ledger.add(tx, Effect(FETCH, lane, media_id, expires_at=expires_at))


def _later(present: datetime | None, until: datetime) -> datetime:
    return until if present is None else max(present, until)
