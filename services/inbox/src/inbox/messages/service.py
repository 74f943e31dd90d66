from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson

from inbox.channels.model import Channel, lane_of
from inbox.channels.repository import ChannelRepository
from inbox.contacts.blind import blind_of
from inbox.conversations.facts import tell_changed
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository
from inbox.messages.content import Sealing
from inbox.messages.errors import (
    ChannelGone,
    ContactForgotten,
    MessageIdTaken,
    MessageNotFound,
    TwoPlaces,
    WindowClosed,
)
from inbox.messages.model import Message, Status
from inbox.messages.reading import opened, read_rows
from inbox.messages.reporting import SEND
from inbox.messages.repository import MessageRepository, NewMessage
from inbox.messages.schemas import SendMessage
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane
from kit.seal import KeyShredded

Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are asked for: beyond a place in one direction, or around a message."""

    place: Place | None
    around: UUID | None
    limit: int
    newer: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages, the oldest first, and whether there is more beyond either end."""

    messages: Sequence[Message]
    older: bool
    newer: bool


@dataclass(frozen=True, slots=True)
class MessageService:
    """What the team writes, and what was said."""

    database: Database
    ledger: Ledger
    sealing: Sealing

    async def send(
        self, caller: MemberCaller, conversation_id: UUID, wanted: SendMessage, key: Idempotency
    ) -> Message:
        """Write to the contact: the message and the order to send it are one commit; it leaves moments later.

        The same id, or the same key, sent twice is one message.

        Raises:
            WindowClosed: more than 24 hours have passed, and it is no template.
            MessageIdTaken: the id belongs to another message.
            ContactForgotten: the contact's key was destroyed.
        """
        organization_id = caller.organization_id
        blind = await blind_of(self.sealing.keyring, organization_id)
        fingerprint = blind("request", _canonical(conversation_id, wanted))
        try:
            async with self.database.transaction(organization_id) as tx:
                if earlier := await key.claim(tx):
                    row = await MessageRepository(tx).find(earlier.resource_id)
                else:
                    row = await self._add(tx, caller, conversation_id, wanted, fingerprint)
                    await key.remember(tx, row["id"])
                rows = await read_rows(tx, [row] if row is not None else [])
        except KeyShredded as shredded:
            raise ContactForgotten from shredded
        (message,) = await opened(self.sealing, organization_id, rows)
        return message

    async def _add(
        self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, wanted: SendMessage, fingerprint: bytes
    ) -> Row:
        conversations, messages = ConversationRepository(tx), MessageRepository(tx)
        conversation = await conversations.lock(conversation_id)
        if wanted.id is not None and (known := await messages.find(wanted.id)) is not None:
            return _the_same(known, fingerprint)
        channel = await self._may(tx, conversation, wanted)
        message = await self._message(tx, conversation, wanted, caller.user_id, fingerprint)
        if not await messages.add(message):
            raise MessageIdTaken
        await self._count(tx, conversation, message)
        lane = Lane(caller.organization_id, lane_of(channel.id), float(channel.rate))
        await self.ledger.add(tx, Effect(SEND, lane, message.id))
        await tx.emit(audited("inbox.message.sent", caller, "message", message.id, kind=wanted.type))
        row = await messages.find(message.id)
        if row is None:
            raise LookupError("the message was just written")
        return row

    async def _may(self, tx: Transaction, conversation: Conversation, wanted: SendMessage) -> Channel:
        channel = await ChannelRepository(tx).find(conversation.channel_id)
        if not channel.connected:
            raise ChannelGone
        if wanted.type != "template" and not conversation.window_open(self.database.clock.now()):
            raise WindowClosed(window_open_until=conversation.window_open_until)
        return channel

    async def _message(
        self, tx: Transaction, conversation: Conversation, wanted: SendMessage, author_id: UUID, fingerprint: bytes
    ) -> NewMessage:
        return NewMessage(
            id=wanted.id or new_id(),
            conversation_id=conversation.id,
            channel_id=conversation.channel_id,
            direction="out",
            kind=wanted.type,
            content_sealed=await self.sealing.content(tx.organization_id, conversation.contact_id, wanted.content()),
            provider_blind=None,
            provider_sealed=None,
            reply_to_blind=await self._quoted(tx, conversation, wanted.reply_to),
            provider_time=self.database.clock.now(),
            sequence=conversation.last_sequence + 1,
            status=Status.QUEUED,
            author_id=author_id,
            fingerprint=fingerprint,
        )

    async def _quoted(self, tx: Transaction, conversation: Conversation, message_id: UUID | None) -> bytes | None:
        """The platform's id, hashed, of the quoted message."""
        if message_id is None:
            return None
        row = await MessageRepository(tx).find(message_id)
        if row is None or row["conversation_id"] != conversation.id or row["provider_blind"] is None:
            raise MessageNotFound("The quoted message is not of this conversation, or has not left yet.")
        quoted: bytes = row["provider_blind"]
        return quoted

    async def _count(self, tx: Transaction, conversation: Conversation, message: NewMessage) -> None:
        now = replace(
            conversation,
            last_sequence=message.sequence,
            last_message_at=max(conversation.last_message_at, message.provider_time),
            version=conversation.version + 1,
        )
        await ConversationRepository(tx).save(now)
        await tell_changed(tx, now)

    async def read(self, caller: MemberCaller, message_id: UUID) -> Message:
        """One message.

        Raises:
            MessageNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            row = await MessageRepository(tx).find(message_id)
            if row is None:
                raise MessageNotFound("There is no such message in this organization.")
            rows = await read_rows(tx, [row])
        (message,) = await opened(self.sealing, caller.organization_id, rows)
        return message

    async def stretch(self, caller: MemberCaller, conversation_id: UUID, wanted: Wanted) -> Stretch:
        """The messages asked for; with neither place nor message the newest ones.

        Raises:
            TwoPlaces: both a place and a message are given.
        """
        if wanted.around is None:
            return await self._beyond(caller, conversation_id, wanted)
        if wanted.place is not None:
            raise TwoPlaces
        return await self._around(caller, conversation_id, wanted.around, wanted.limit)

    async def _beyond(self, caller: MemberCaller, conversation_id: UUID, wanted: Wanted) -> Stretch:
        place, limit = wanted.place, wanted.limit
        newer = wanted.newer and place is not None
        async with self.database.snapshot(caller.organization_id) as tx:
            await ConversationRepository(tx).find(conversation_id)
            found = await MessageRepository(tx).page(conversation_id, place, limit + 1, newer=newer)
            more, chosen = len(found) > limit, found[:limit]
            rows = await read_rows(tx, chosen if newer else chosen[::-1])
        messages = await opened(self.sealing, caller.organization_id, rows)
        if newer:
            return Stretch(messages, older=True, newer=more)
        return Stretch(messages, older=more, newer=place is not None)

    async def _around(self, caller: MemberCaller, conversation_id: UUID, message_id: UUID, limit: int) -> Stretch:
        """A message with its neighbours, half of them older."""
        async with self.database.snapshot(caller.organization_id) as tx:
            messages = MessageRepository(tx)
            anchor = await messages.find(message_id)
            if anchor is None or anchor["conversation_id"] != conversation_id:
                raise MessageNotFound
            place, half = (anchor["provider_time"], anchor["sequence"]), max(1, limit // 2)
            older = await messages.page(conversation_id, place, half + 1, newer=False)
            newer = await messages.page(conversation_id, place, half + 1, newer=True)
            rows = await read_rows(tx, [*older[:half][::-1], anchor, *newer[:half]])
        shown = await opened(self.sealing, caller.organization_id, rows)
        return Stretch(shown, older=len(older) > half, newer=len(newer) > half)


def _the_same(known: Row, fingerprint: bytes) -> Row:
    if known["fingerprint"] != fingerprint:
        raise MessageIdTaken
    return known


def _canonical(conversation_id: UUID, wanted: SendMessage) -> str:
    told = [str(conversation_id), wanted.model_dump(mode="json")]
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
