"""What somebody writes becomes rows: one message, or a whole with its parts, and the order to send the first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from inbox.allowances.counting import set_aside
from inbox.channels.base import HUMAN_AGENT, Platforms, Window
from inbox.channels.model import Channel, lane_of
from inbox.channels.repository import ChannelRepository
from inbox.consent.errors import ContactBlocked
from inbox.consent.repository import ConsentRepository
from inbox.conversations.facts import tell_changed
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository
from inbox.messages.content import Sealing
from inbox.messages.errors import (
    CaptionNotOffered,
    ChannelGone,
    ChannelSilent,
    MessageIdTaken,
    MessageNotFound,
    OptedOut,
    WindowClosed,
)
from inbox.messages.model import Content, Status
from inbox.messages.partial.repository import PartRepository
from inbox.messages.parts import PARTS, Part, planned
from inbox.messages.reporting import SEND
from inbox.messages.repository import MessageRepository, NewMessage
from inbox.messages.schemas import SendMessage
from inbox.messages.templating import Templating, offered, with_detail
from kit.clock import Clock
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane


@dataclass(frozen=True, slots=True)
class Written:
    """Who writes, as which request."""

    author_id: UUID
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """In which parts it leaves, whether at once, and of which template it is."""

    parts: Sequence[Part]
    status: Status
    template_id: UUID | None


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes messages of ours, in the transaction of who asks."""

    ledger: Ledger
    sealing: Sealing
    platforms: Platforms
    templating: Templating
    clock: Clock

    async def add(self, tx: Transaction, conversation: Conversation, wanted: SendMessage, by: Written) -> UUID:
        """Write it and have it sent, or let it wait for the window; its id.

        Raises:
            WindowClosed: the contact may not be written to freely; with the templates that may be sent.
            MessageIdTaken: the id belongs to another message.
            QuotaExhausted: the plan includes no more messages.
        """
        channel = await self.may(tx, conversation)
        parts = planned(wanted, self.platforms[channel.kind].capabilities)
        status = await self._status(tx, channel, conversation, wanted, parts)
        template_id = None
        if wanted.template is not None:
            more, template_id = await self.templating.content(
                tx, channel, conversation, by.author_id, wanted.template
            )
            parts = [replace(parts[0], content=with_detail(parts[0].content, more))]
        rows = await self._rows(tx, conversation, (wanted, by), Plan(parts, status, template_id))
        if await MessageRepository(tx).add(*rows) != len(rows):
            raise MessageIdTaken
        await count(tx, conversation, rows)
        leaving = rows[1:] if len(rows) > 1 else rows
        if status is Status.QUEUED:
            await self.send(tx, channel, leaving[0].id)
        await set_aside(tx, [each.id for each in leaving])
        return rows[0].id

    async def may(self, tx: Transaction, conversation: Conversation) -> Channel:
        """Through which channel it leaves.

        Raises:
            ChannelGone, ChannelSilent, OptedOut, ContactBlocked: nothing can be sent here.
        """
        channel = await ChannelRepository(tx).find(conversation.channel_id)
        if not channel.connected:
            raise ChannelGone
        if channel.silent:
            raise ChannelSilent
        if conversation.opted_out:
            raise OptedOut
        answers = await ConsentRepository(tx).ask_for([conversation.speaker], channel.kind, "service")
        if any(each.blocked for each in answers.values()):
            raise ContactBlocked
        return channel

    async def send(self, tx: Transaction, channel: Channel, message_id: UUID) -> None:
        """Order that it is sent."""
        lane = Lane(tx.organization_id, lane_of(channel.id, channel.kind), channel.pace)
        await self.ledger.add(tx, Effect(SEND, lane, message_id))

    async def _status(
        self,
        tx: Transaction,
        channel: Channel,
        conversation: Conversation,
        wanted: SendMessage,
        parts: Sequence[Part],
    ) -> Status:
        """Whether it leaves at once or when the window opens."""
        can = self.platforms[channel.kind].capabilities
        if wanted.media is not None and wanted.media.caption is not None and not can.captions:
            raise CaptionNotOffered
        until, now = conversation.window_open_until, self.clock.now()
        if all(can.window.allows(each.kind, wanted.tag or "", until, now) for each in parts):
            return Status.QUEUED
        if wanted.hold:
            return Status.HELD
        templates = await offered(tx, channel) if "template" in can.window.beyond else []
        raise WindowClosed(**instead(can.window, until, now), templates=templates)

    async def _rows(
        self, tx: Transaction, conversation: Conversation, asked: tuple[SendMessage, Written], plan: Plan
    ) -> list[NewMessage]:
        """The message as one row; of several parts first the whole: it has the client's id and never leaves."""
        (wanted, by), parts = asked, plan.parts
        quoted, now = await self._quoted(tx, conversation, wanted.about), self.clock.now()
        whole = Part(PARTS, Content(wanted.words)) if len(parts) > 1 else parts[0]
        first = NewMessage(
            id=wanted.id or new_id(),
            conversation_id=conversation.id,
            channel_id=conversation.channel_id,
            direction="out",
            kind=whole.kind,
            content_sealed=await self._sealed(tx, conversation, whole),
            provider_blind=None,
            provider_sealed=None,
            reply_to_blind=quoted,
            provider_time=now,
            sequence=conversation.last_sequence + 1,
            status=plan.status,
            author_id=by.author_id,
            fingerprint=by.fingerprint,
            template_id=plan.template_id,
            owner_id=conversation.speaker_id,
        )
        if len(parts) == 1:
            return [first]
        rows = [first]
        for number, part in enumerate(parts, 1):
            row = replace(
                first,
                id=new_id(),
                kind=part.kind,
                content_sealed=await self._sealed(tx, conversation, part),
                reply_to_blind=quoted if number == 1 else None,
                sequence=first.sequence + number,
                fingerprint=None,
                whole_id=first.id,
                part_number=number,
                part_attempt=1,
            )
            rows.append(row)
        return rows

    async def _sealed(self, tx: Transaction, conversation: Conversation, part: Part) -> bytes:
        return await self.sealing.content(tx.organization_id, conversation.speaker, part.content)

    async def _quoted(self, tx: Transaction, conversation: Conversation, message_id: UUID | None) -> bytes | None:
        """The platform's id, hashed, of the quoted message; of one in parts that of its first."""
        if message_id is None:
            return None
        row = await MessageRepository(tx).find(message_id)
        blind = None if row is None else row["provider_blind"]
        if row is not None and row["kind"] == PARTS:
            blind = await PartRepository(tx).first_blind(message_id)
        if row is None or row["conversation_id"] != conversation.id or blind is None:
            raise MessageNotFound("The quoted message is not of this conversation, or has not left yet.")
        quoted: bytes = blind
        return quoted


async def count(tx: Transaction, conversation: Conversation, rows: Sequence[NewMessage]) -> None:
    """The conversation with these messages behind its others."""
    now = replace(
        conversation.answered(),
        last_sequence=rows[-1].sequence,
        last_message_at=max(conversation.last_message_at, rows[0].provider_time),
        version=conversation.version + 1,
    )
    await ConversationRepository(tx).save(now)
    await tell_changed(tx, now)


def instead(window: Window, until: datetime | None, now: datetime) -> dict[str, Any]:
    """What may be sent although the window is closed."""
    extended = window.extended_until(until)
    return {
        "window_open_until": until,
        "may_send": sorted(window.beyond),
        "may_tag": [HUMAN_AGENT] if extended is not None and now < extended else [],
        "may_hold": True,
    }
