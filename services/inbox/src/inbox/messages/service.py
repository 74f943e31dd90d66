from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson

from inbox.allowances.counting import account_for, set_aside
from inbox.contacts.blind import blind_of
from inbox.conversations.repository import ConversationRepository
from inbox.drafts.repository import DraftRepository
from inbox.messages.content import Sealing
from inbox.messages.errors import (
    ContactForgotten,
    MessageIdTaken,
    MessageNotFound,
    NotHeld,
    NothingToRetry,
    TwoPlaces,
)
from inbox.messages.model import Message, Status
from inbox.messages.partial.repository import PartRepository
from inbox.messages.parts import PARTS
from inbox.messages.reading import opened, read_rows
from inbox.messages.repository import MessageRepository
from inbox.messages.schemas import SendMessage
from inbox.messages.standing import rise
from inbox.messages.wholes import follow
from inbox.messages.writing import Writing, Written
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
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
    writing: Writing
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
            QuotaExhausted: the plan includes no more messages.
        """
        organization_id = caller.organization_id
        try:
            async with self.database.transaction(organization_id) as tx:
                if earlier := await key.claim(tx):
                    row = await MessageRepository(tx).find(earlier.resource_id)
                else:
                    row = await self.write(tx, caller, conversation_id, wanted)
                    await key.remember(tx, row["id"])
                rows = await read_rows(tx, [row] if row is not None else [])
        except KeyShredded as shredded:
            raise ContactForgotten from shredded
        (message,) = await opened(self.sealing, organization_id, rows)
        return message

    async def write(self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, wanted: SendMessage) -> Row:
        """Write to the contact in a transaction that does more; for what is refused see `send`."""
        blind = await blind_of(self.sealing.keyring, caller.organization_id)
        fingerprint = blind("request", _canonical(conversation_id, wanted))
        return await self._add(tx, caller, conversation_id, wanted, fingerprint)

    async def _add(
        self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, wanted: SendMessage, fingerprint: bytes
    ) -> Row:
        conversations, messages = ConversationRepository(tx), MessageRepository(tx)
        conversation = await conversations.lock(conversation_id)
        if wanted.id is not None and (known := await messages.find(wanted.id)) is not None:
            return _the_same(known, fingerprint)
        message_id = await self.writing.add(tx, conversation, wanted, Written(caller.user_id, fingerprint))
        await DraftRepository(tx).empty(conversation_id, caller.user_id)
        await tx.emit(audited("inbox.message.sent", caller, "message", message_id, kind=wanted.type))
        row = await messages.find(message_id)
        if row is None:
            raise LookupError("the message was just written")
        return row

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

    async def cancel(self, caller: MemberCaller, message_id: UUID) -> Message:
        """Take back a message that still waits for the window.

        Raises:
            NotHeld: it does not wait.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            messages = MessageRepository(tx)
            row = await messages.find(message_id)
            if row is None:
                raise MessageNotFound("There is no such message in this organization.")
            await ConversationRepository(tx).lock(row["conversation_id"])
            parts = [each["id"] for each in await PartRepository(tx).current(message_id)]
            for each in [*parts, message_id]:
                standing = await messages.lock_standing(each)
                if standing is None or standing.status is not Status.HELD:
                    raise NotHeld
                reason, now = "It was taken back before the contact wrote.", self.database.clock.now()
                await rise(tx, standing, Status.FAILED, now, code="cancelled", reason=reason)
            await account_for(tx, dict.fromkeys(parts or [message_id], 0))
        return await self.read(caller, message_id)

    async def retry(self, caller: MemberCaller, message_id: UUID) -> Message:
        """Try the parts again that failed, each as a new attempt; what has left stays as it is.

        Raises:
            NothingToRetry: no part has failed, or some are still under way.
            QuotaExhausted: the plan includes no more messages.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            row = await MessageRepository(tx).find(message_id)
            if row is None:
                raise MessageNotFound("There is no such message in this organization.")
            conversation = await ConversationRepository(tx).lock(row["conversation_id"])
            channel = await self.writing.may(tx, conversation)
            parts = await PartRepository(tx).current(message_id)
            failed = [each["id"] for each in parts if each["status"] == Status.FAILED]
            if not failed or any(each["status"] in (Status.HELD, Status.QUEUED) for each in parts):
                raise NothingToRetry
            ids = [new_id() for _ in failed]
            await PartRepository(tx).try_again(message_id, ids, failed, conversation.last_sequence)
            now = replace(conversation, last_sequence=conversation.last_sequence + len(ids))
            await ConversationRepository(tx).save(replace(now, version=now.version + 1))
            await self.writing.send(tx, channel, ids[0])
            await follow(tx, [message_id], self.database.clock.now())
            await tx.emit(audited("inbox.message.sent", caller, "message", message_id, kind=PARTS))
            await set_aside(tx, ids)
        return await self.read(caller, message_id)

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
