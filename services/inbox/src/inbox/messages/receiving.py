"""A message of a contact becomes rows: who wrote, in which conversation, what, and what came with it."""

from collections.abc import Sequence
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
from inbox.media.fetching import FETCH, FETCHABLE, FILENAME
from inbox.media.repository import MediaRepository, NewMedia
from inbox.messages.batch import Batch
from inbox.messages.content import Sealing
from inbox.messages.model import Status
from inbox.messages.repository import MessageRepository, NewMark, NewMessage
from inbox.whatsapp.saying import About, Medium, Said
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

    async def apply(
        self, tx: Transaction, blind: Blind, channel_id: UUID, several: Sequence[tuple[Said, datetime]]
    ) -> None:
        """Apply messages of one channel with the times of their receipt; what was applied before is left out.

        Raises:
            Overtaken: another worker has just written one of them.
        """
        batch = await Batch.read(tx, blind, channel_id, (said for said, _ in several), self.recognizing)
        with_media = []
        for said, received_at in several:
            written = await self._apply(batch, said, min(said.time or received_at, received_at + _AHEAD))
            if written is not None and said.medium is not None:
                with_media.append((*written, said.medium))
        await batch.write()
        for conversation, message, medium in with_media:
            await self._media(tx, conversation, message, medium)

    async def _apply(self, batch: Batch, said: Said, at: datetime) -> tuple[Conversation, NewMessage] | None:
        """Apply one; the message that it became and in which conversation, if it was one and new."""
        provider_blind = batch.blind("message", said.provider_id)
        if provider_blind in batch.known:
            return None
        batch.known.add(provider_blind)
        contact_id = await self.recognizing.contact(batch.contacts, batch.blind, said, at)
        conversation, new = await batch.conversation(contact_id)
        if said.about is not None and said.about.target:
            await self._mark(batch, conversation, said, at=at)
            return None
        message = await self._message(batch.tx, batch.blind, conversation, said, at)
        batch.add(message)
        await self._tell(batch, conversation, message, new=new)
        return conversation, message

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

    async def _tell(self, batch: Batch, before: Conversation, message: NewMessage, *, new: bool) -> None:
        """Count the message in its conversation and let the facts leave."""
        tx, at = batch.tx, message.provider_time
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
        batch.save(now)
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

    async def _mark(self, batch: Batch, conversation: Conversation, said: Said, *, at: datetime) -> None:
        """A reaction, an edit or a withdrawal: it belongs to its message, also when it comes before it."""
        tx, blind, about = batch.tx, batch.blind, said.about or About("revoke", "")
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
            batch.save(now)
            await tell_changed(tx, now)

    async def _media(self, tx: Transaction, conversation: Conversation, message: NewMessage, medium: Medium) -> None:
        """Know of the medium at once and have it fetched; the platform keeps it for seven days."""
        media_id, filename = new_id(), None
        if medium.filename:
            told = medium.filename.encode(errors="surrogatepass")
            owner = subject(conversation.contact_id)
            filename = await self.sealing.keyring.seal(tx.organization_id, told, FILENAME, subject=owner)
        await MediaRepository(tx).add(
            NewMedia(
                id=media_id,
                message_id=message.id,
                conversation_id=message.conversation_id,
                channel_id=message.channel_id,
                kind=medium.kind,
                provider_id=medium.id,
                announced_type=medium.media_type.replace("\0", ""),
                announced_hash=medium.sha256.replace("\0", ""),
                filename_sealed=filename,
            )
        )
        lane = Lane(tx.organization_id, media_lane_of(message.channel_id))
        expires_at = message.provider_time + FETCHABLE
        await self.ledger.add(tx, Effect(FETCH, lane, media_id, expires_at=expires_at))


def _later(present: datetime | None, until: datetime) -> datetime:
    return until if present is None else max(present, until)
