"""A message of a contact becomes rows: who wrote, in which conversation, what, and what came with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from contracts.inbox import MessageReceived, MessageSent
from inbox.channels.base import About, Medium, Said
from inbox.channels.model import Place, lane_of, media_lane_of
from inbox.channels.repository import ChannelRepository
from inbox.consent.model import Wish
from inbox.consent.recording import Recorder, by_word
from inbox.consent.words import wish
from inbox.contacts.blind import Blind
from inbox.contacts.naming import NAMES
from inbox.contacts.recognizing import Recognizing, Writer, subject
from inbox.conversations.facts import tell_changed, tell_opened, tell_reopened
from inbox.conversations.model import Conversation
from inbox.media.fetching import ADDRESS, FETCH, FETCHABLE, FILENAME
from inbox.media.repository import MediaRepository, NewMedia
from inbox.messages.batch import Batch
from inbox.messages.content import Sealing
from inbox.messages.model import Status
from inbox.messages.outgoing.repository import OutgoingRepository
from inbox.messages.parts import PARTS
from inbox.messages.reporting import SEND, catch_up_written
from inbox.messages.repository import MessageRepository, NewMark, NewMessage
from inbox.messages.standing import status_fact
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane, Receipt
from kit.ledger.model import Status as Effected

_AHEAD: Final = timedelta(minutes=1)
_CALLED: Final = (Effected.CALLING, Effected.UNKNOWN, Effected.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that a contact said, new to us; `reply_to` is the platform's id, hashed, of what it quotes."""

    contact_id: UUID
    said: Said
    at: datetime
    reply_to: bytes | None


class Listens(Protocol):
    """Who wants to know that contacts have written, before it is written down."""

    async def answered(self, batch: Batch, place: Place, heard: Sequence[Heard]) -> None:
        """They have written, in this order."""


@dataclass(frozen=True, slots=True)
class Receiving:
    """Applies messages that came in. Nothing here asks whether the channel is well: receiving goes on."""

    ledger: Ledger
    recognizing: Recognizing
    sealing: Sealing
    listens: Listens

    async def apply(
        self, tx: Transaction, blind: Blind, place: Place, several: Sequence[tuple[Said, datetime]]
    ) -> None:
        """Apply messages of one channel with the times of their receipt; what was applied before is left out.

        Raises:
            Overtaken: another worker has just written one of them.
        """
        batch = await Batch.read(tx, blind, place, several, self.recognizing)
        with_media, newcomers = list[tuple[UUID, NewMessage, Medium]](), set[UUID]()
        heard: list[Heard] = []
        wishes = list[Wish]()
        for said, received_at in several:
            at = min(said.time or received_at, received_at + _AHEAD)
            written = await self._apply(batch, said, at, newcomers)
            if written is not None:
                writer, message = written
                with_media += [(writer.id, message, medium) for medium in said.media]
                wishes += _wished(writer.id, place.platform.kind, said, at)
                if said.direction == "in":
                    heard.append(Heard(writer.head, said, at, message.reply_to_blind))
        if heard:
            await self.listens.answered(batch, place, heard)
        released = await self._release(batch)
        await batch.write()
        await Recorder(self.sealing.keyring).record(tx, wishes)
        if batch.written_elsewhere:
            await catch_up_written(tx, place.channel_id, batch.written_elsewhere)
        names = [] if not place.platform.capabilities.names_people else sorted(newcomers)
        lane = Lane(tx.organization_id, media_lane_of(place.channel_id, place.platform.kind))
        fetched = await self._media(tx, lane, with_media)
        await self.ledger.add(tx, *released, *(Effect(NAMES, lane, each) for each in names), *fetched)

    async def _apply(
        self, batch: Batch, said: Said, at: datetime, newcomers: set[UUID]
    ) -> tuple[Writer, NewMessage] | None:
        """Apply one; the message that it became and whose it is, if it was one and new."""
        provider_blind = batch.blind("message", said.provider_id)
        if provider_blind in batch.known:
            return None
        batch.known.add(provider_blind)
        writer = await self.recognizing.contact(batch.contacts, batch.blind, said, at)
        conversation, new = await batch.conversation(writer)
        if new and not said.name:
            newcomers.add(writer.id)
        if said.about is not None and said.about.target:
            await self._mark(batch, conversation, writer.id, said, at)
            return None
        if said.direction == "out" and not new and await self._is_ours(batch.tx, batch.blind, conversation, said):
            return None
        message = await self._message(batch, conversation, writer.id, said, at)
        batch.add(message)
        conversation = conversation.spoken_by(writer.id)
        if said.direction == "in" and writer.head in batch.blocked:
            self._keep_apart(batch, conversation, message, said, new=new)
        elif said.direction == "in":
            await self._tell(batch, conversation, message, said, new=new)
        else:
            await self._tell_written(batch, conversation, message, new=new)
        return writer, message

    async def _is_ours(self, tx: Transaction, blind: Blind, conversation: Conversation, said: Said) -> bool:
        """Whether what was written by us is a message that we are just sending, or of which nobody knows.

        Platforms that do not hand back what we put into a message show it to us as one written elsewhere.
        """
        rows = await OutgoingRepository(tx).on_their_way(conversation.id, said.kind)
        if not rows:
            return False
        states = await self.ledger.states(tx, SEND, [row["id"] for row in rows])
        called = [row for row in rows if row["id"] in states and states[row["id"]].status in _CALLED]
        contents = await self.sealing.contents(tx.organization_id, [row["content_sealed"] for row in called])
        for row, content in zip(called, contents, strict=True):
            if content is not None and content.text == said.content.text:
                told = blind("message", said.provider_id).hex()[:32]
                receipt = Receipt(told, result=said.provider_id)
                return bool(await self.ledger.found(tx, SEND, {row["id"]: receipt}))
        return False

    async def _message(
        self, batch: Batch, conversation: Conversation, contact_id: UUID, said: Said, at: datetime
    ) -> NewMessage:
        organization_id, blind = batch.tx.organization_id, batch.blind
        return NewMessage(
            id=new_id(),
            conversation_id=conversation.id,
            channel_id=conversation.channel_id,
            direction=said.direction,
            kind=said.kind,
            content_sealed=await self.sealing.content(organization_id, contact_id, said.content),
            provider_blind=blind("message", said.provider_id),
            provider_sealed=await self.sealing.provider_id(organization_id, contact_id, said.provider_id),
            reply_to_blind=blind("message", said.reply_to) if said.reply_to else None,
            provider_time=at,
            sequence=conversation.last_sequence + 1,
            status=Status.RECEIVED if said.direction == "in" else Status.SENT,
            owner_id=conversation.owner_of(contact_id),
        )

    async def _tell(self, batch: Batch, before: Conversation, message: NewMessage, said: Said, *, new: bool) -> None:
        """Count the message in its conversation and let the facts leave."""
        tx, at = batch.tx, message.provider_time
        now = replace(
            before.heard(at, counts=said.counts),
            unread_count=before.unread_count + said.counts,
            last_sequence=message.sequence,
            last_message_at=_newest(before, at),
            window_open_until=_opened(batch.place, before, at) if said.opens else before.window_open_until,
            version=before.version if new else before.version + 1,
        ).opted(said.opts, at)
        batch.save(now, opens=said.opens)
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

    def _keep_apart(self, batch: Batch, before: Conversation, message: NewMessage, said: Said, *, new: bool) -> None:
        """The contact is blocked: it stands in the conversation, and nobody hears of it."""
        at = message.provider_time
        now = replace(
            before.kept_apart(),
            last_sequence=message.sequence,
            last_message_at=_newest(before, at),
            version=before.version if new else before.version + 1,
        ).opted(said.opts, at)
        batch.save(now)

    async def _tell_written(self, batch: Batch, before: Conversation, message: NewMessage, *, new: bool) -> None:
        """The organization wrote it elsewhere: it stands in the conversation, and nobody has to read it."""
        tx, at = batch.tx, message.provider_time
        now = replace(
            before.answered(),
            last_sequence=message.sequence,
            last_message_at=_newest(before, at),
            version=before.version if new else before.version + 1,
        )
        batch.save(now)
        if new:
            await tell_opened(tx, now)
        await tx.emit(
            MessageSent(
                organization_id=tx.organization_id,
                version=1,
                message_id=message.id,
                conversation_id=now.id,
                sent_at=at,
            )
        )
        await tell_changed(tx, now)

    async def _release(self, batch: Batch) -> list[Effect]:
        """What waited for these contacts to write leaves now."""
        waiting = batch.opened()
        if not waiting:
            return []
        tx, messages = batch.tx, MessageRepository(batch.tx)
        last = {each.id: each.last_sequence for each in waiting}
        rows = await messages.release(list(last), last, batch.now)
        if not rows:
            return []
        for row in rows:
            last[row["conversation_id"]] = max(last[row["conversation_id"]], row["sequence"])
        for each in waiting:
            batch.save(
                replace(each, last_sequence=last[each.id], last_message_at=max(each.last_message_at, batch.now))
            )
        told = [row for row in rows if row["whole_id"] is None]
        await tx.emit(*(status_fact(tx, row, Status.QUEUED, batch.now) for row in told))
        channel = await ChannelRepository(tx).find(batch.place.channel_id)
        lane = Lane(tx.organization_id, lane_of(channel.id, channel.kind), channel.pace)
        return [
            Effect(SEND, lane, row["id"]) for row in rows if row["kind"] != PARTS and row["part_number"] in (None, 1)
        ]

    async def _mark(
        self, batch: Batch, conversation: Conversation, contact_id: UUID, said: Said, at: datetime
    ) -> None:
        """A reaction, an edit or a withdrawal: it belongs to its message, also when it comes before it."""
        tx, blind, about = batch.tx, batch.blind, said.about or About("revoke", "")
        sealed = await self.sealing.content(tx.organization_id, contact_id, said.content)
        batch.mark(
            NewMark(
                id=new_id(),
                conversation_id=conversation.id,
                channel_id=conversation.channel_id,
                kind=about.kind,
                provider_blind=blind("message", said.provider_id),
                target_blind=blind("message", about.target),
                content_sealed=sealed,
                provider_time=at,
                owner_id=conversation.owner_of(contact_id),
            )
        )
        until = _opened(batch.place, conversation, at) if said.opens else conversation.window_open_until
        now = replace(conversation.spoken_by(contact_id), window_open_until=until, version=conversation.version + 1)
        batch.save(now, opens=said.opens)
        await tell_changed(tx, now)

    async def _media(
        self, tx: Transaction, lane: Lane, announced: Sequence[tuple[UUID, NewMessage, Medium]]
    ) -> list[Effect]:
        """Know of media at once and have them fetched; the platform keeps them for seven days."""
        known = [(await self._known(tx, *each), each[1]) for each in announced]
        if known:
            await MediaRepository(tx).add(*(medium for medium, _ in known))
        return [
            Effect(FETCH, lane, medium.id, expires_at=message.provider_time + FETCHABLE) for medium, message in known
        ]

    async def _known(self, tx: Transaction, contact_id: UUID, message: NewMessage, medium: Medium) -> NewMedia:
        owner = subject(contact_id)
        return NewMedia(
            id=new_id(),
            message_id=message.id,
            conversation_id=message.conversation_id,
            channel_id=message.channel_id,
            kind=medium.kind,
            provider_id=medium.id,
            announced_type=medium.media_type.replace("\0", ""),
            announced_hash=medium.sha256.replace("\0", ""),
            filename_sealed=await self._sealed(tx, medium.filename, FILENAME, owner),
            source_sealed=await self._sealed(tx, medium.url, ADDRESS, owner),
        )

    async def _sealed(self, tx: Transaction, told: str, place: bytes, owner: str) -> bytes | None:
        if not told:
            return None
        words = told.encode(errors="surrogatepass")
        return await self.sealing.keyring.seal(tx.organization_id, words, place, subject=owner)


def _wished(contact_id: UUID, channel_kind: str, said: Said, at: datetime) -> list[Wish]:
    """What a message says of the contact's consent; words in front of a picture are talk."""
    word = {"out": "stop", "in": "start"}.get(said.opts, "")
    if not word and said.direction == "in" and said.kind == "text" and not said.media:
        word = wish(said.content.text or "")
    return by_word(contact_id, channel_kind, word, at) if word in ("stop", "start") else []


def _newest(before: Conversation, at: datetime) -> datetime:
    """The time of the newest message; what only reacted or withdrew before the first one came does not count."""
    return max(before.last_message_at, at) if before.last_sequence else at


def _opened(place: Place, conversation: Conversation, at: datetime) -> datetime | None:
    """Until when they may be written to freely after a message of this time; None where there is no such limit."""
    lasts, present = place.platform.capabilities.window.lasts, conversation.window_open_until
    if lasts is None:
        return None
    return at + lasts if present is None else max(present, at + lasts)
