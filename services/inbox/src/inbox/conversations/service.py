from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from contracts.audit import AuditEntry
from inbox.attributes.errors import AttributeNotSought
from inbox.attributes.model import Sought, Value
from inbox.attributes.reading import shown_values
from inbox.attributes.repository import AttributeRepository
from inbox.channels.base import Platforms
from inbox.channels.model import lane_of
from inbox.channels.repository import ChannelRepository
from inbox.channels.viewing.errors import AssigneeDoesNotSee
from inbox.channels.viewing.repository import ViewingRepository
from inbox.contacts.recognizing import NAME
from inbox.contacts.repository import ContactRepository
from inbox.conversations.errors import AssigneeNotAMember, TeamNotThere
from inbox.conversations.facts import tell_changed
from inbox.conversations.lists.model import Filter, Last
from inbox.conversations.lists.repository import ListRepository
from inbox.conversations.marking import MARK, TYPE
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository
from inbox.conversations.schemas import ChangeConversation, MarkRead
from inbox.labels.repository import LabelRepository
from inbox.members.repository import MemberRepository
from inbox.messages.content import Sealing
from inbox.messages.repository import MessageRepository
from inbox.teams.repository import TeamRepository
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.ledger.errors import UnderWay
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane

_TYPING: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation with the name of its contact, its newest message, and what it carries."""

    conversation: Conversation
    contact_name: str | None
    last: Last | None
    label_ids: Sequence[UUID]
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ConversationService:
    """Conversations as the team works on them."""

    database: Database
    ledger: Ledger
    sealing: Sealing
    platforms: Platforms

    async def read(self, caller: MemberCaller, conversation_id: UUID) -> Shown:
        """One conversation."""
        async with self.database.snapshot(caller.organization_id) as tx:
            rows = await _rows(tx, [await ConversationRepository(tx).find(conversation_id)])
        (shown,) = await self._shown(caller.organization_id, rows)
        return shown

    async def page(
        self, caller: MemberCaller, wanted: Filter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Shown]:
        """Conversations in the wanted order; five questions, however many they are.

        Raises:
            AttributeNotSought, ValueRefused: no list is in such values.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            sought = await _sought(tx, wanted)
            rows = await _rows(tx, await ListRepository(tx).page(wanted, sought, after, limit))
        return await self._shown(caller.organization_id, rows)

    async def change(
        self, caller: MemberCaller, conversation_id: UUID, wanted: ChangeConversation, expected: Condition
    ) -> Shown:
        """Give it to somebody or to a team, put it into another state, let it rest, say how urgent it is.

        Assignee and team are locked before the conversation, in the order in which those who leave give theirs back.

        Raises:
            AssigneeNotAMember: nobody here who works on conversations.
            AssigneeDoesNotSee: who is to have it does not see the channel.
            TeamNotThere: no team of this organization.
            NotThatWay, SnoozeWithoutRest, SnoozeOutOfRange: it cannot become that.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            conversations, assignee, team = ConversationRepository(tx), wanted.assignee_id, wanted.team_id
            suits = assignee is None or await MemberRepository(tx).answers(assignee)
            stands = team is None or await TeamRepository(tx).stands(team)
            sees = assignee is None or await ViewingRepository(tx).sees(assignee, conversation_id)
            before = await conversations.lock(conversation_id)
            expected.check(before.version)
            if not suits:
                raise AssigneeNotAMember
            if not sees:
                raise AssigneeDoesNotSee
            if not stands:
                raise TeamNotThere
            now = await self.apply(tx, caller, before, wanted.wishes())
            rows = await _rows(tx, [now])
        (shown,) = await self._shown(caller.organization_id, rows)
        return shown

    async def apply(
        self, tx: Transaction, caller: MemberCaller, before: Conversation, wishes: Mapping[str, Any]
    ) -> Conversation:
        """Let a conversation that is locked become what is wished; who is to have it suits, and is locked, too.

        Raises:
            NotThatWay, SnoozeWithoutRest, SnoozeOutOfRange: it cannot become that.
        """
        now = before.changed(self.database.clock.now(), wishes)
        if now.version != before.version:
            await ConversationRepository(tx).save(now)
            await tell_changed(tx, now)
            await tx.emit(*_lines(caller, before, now))
        return now

    async def mark_read(self, caller: MemberCaller, conversation_id: UUID, wanted: MarkRead) -> Shown:
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
            rows = await _rows(tx, [now])
        (shown,) = await self._shown(caller.organization_id, rows)
        return shown

    async def show_typing(self, caller: MemberCaller, conversation_id: UUID) -> None:
        """Show the contact that somebody writes, where the channel can; nothing when one such sign is on its way."""
        async with self.database.transaction(caller.organization_id) as tx:
            conversation = await ConversationRepository(tx).lock(conversation_id)
            newest = await MessageRepository(tx).last_received(conversation.id)
            channel = await ChannelRepository(tx).find(conversation.channel_id)
            can = self.platforms[channel.kind].capabilities
            if newest is None or not (channel.connected and can.shows_typing):
                return
            lane = Lane(tx.organization_id, lane_of(channel.id, channel.kind), channel.pace)
            try:
                await self.ledger.forget(tx, [TYPE], [newest])
            except UnderWay:
                return
            until = self.database.clock.now() + _TYPING
            await self.ledger.add(tx, Effect(TYPE, lane, newest, expires_at=until))

    async def _tell_contact(self, tx: Transaction, conversation: Conversation) -> None:
        """Marking the newest message shows all before it as read, too."""
        newest = await MessageRepository(tx).last_received(conversation.id)
        channel = await ChannelRepository(tx).find(conversation.channel_id)
        shows = self.platforms[channel.kind].capabilities.shows_read
        if newest is not None and channel.connected and shows:
            lane = Lane(tx.organization_id, lane_of(channel.id, channel.kind), channel.pace)
            await self.ledger.add(tx, Effect(MARK, lane, newest))

    async def _shown(self, organization_id: UUID, rows: "_Rows") -> list[Shown]:
        told = list(rows.names.items())
        opened = (
            await self.sealing.keyring.open_many(organization_id, [(name, NAME) for _, name in told]) if told else []
        )
        names = {
            contact_id: name.decode(errors="replace")
            for (contact_id, _), name in zip(told, opened, strict=True)
            if name is not None
        }
        sealed = [b"" if row["altered"] else row["content_sealed"] for row in rows.lasts]
        contents = await self.sealing.contents(organization_id, sealed)
        lasts = {
            row["conversation_id"]: Last(row["direction"], row["kind"], row["provider_time"], content)
            for row, content in zip(rows.lasts, contents, strict=True)
        }
        values = await shown_values(self.sealing.keyring, organization_id, rows.values)
        return [
            Shown(
                each,
                names.get(each.contact_id),
                lasts.get(each.id),
                rows.labels.get(each.id, ()),
                values.get(each.id, {}),
            )
            for each in rows.conversations
        ]


@dataclass(frozen=True, slots=True)
class _Rows:
    conversations: Sequence[Conversation]
    names: dict[UUID, bytes]
    lasts: Sequence[Row]
    labels: Mapping[UUID, Sequence[UUID]]
    values: Sequence[Row]


async def _sought(tx: Transaction, wanted: Filter) -> Sequence[Sought]:
    """By which values of attributes is asked; nothing is read when by none."""
    if not wanted.attributes:
        return ()
    known = {each.key: each for each in await AttributeRepository(tx).all("conversation")}
    for key, _, _ in wanted.attributes:
        if key not in known:
            raise AttributeNotSought(key)
    return [known[key].sought(way, value) for key, way, value in wanted.attributes]


async def _rows(tx: Transaction, found: Sequence[Conversation]) -> _Rows:
    """What is shown beside these; nothing is asked when there are none."""
    if not found:
        return _Rows((), {}, (), {}, ())
    ids = [each.id for each in found]
    names = await ContactRepository(tx).names([each.contact_id for each in found])
    lasts = await ListRepository(tx).lasts(ids)
    labels = await LabelRepository(tx).carried("conversation", ids)
    return _Rows(found, names, lasts, labels, await AttributeRepository(tx).values(ids))


def _lines(caller: MemberCaller, before: Conversation, now: Conversation) -> Iterator[AuditEntry]:
    """Who gave it to whom, and who put it into which state."""
    if now.assignee_id != before.assignee_id:
        to = "nobody" if now.assignee_id is None else str(now.assignee_id)
        yield audited("inbox.conversation.assigned", caller, "conversation", now.id, to=to)
    if now.team_id != before.team_id:
        to = "no team" if now.team_id is None else str(now.team_id)
        yield audited("inbox.conversation.given_to_team", caller, "conversation", now.id, to=to)
    if now.state != before.state:
        yield audited(
            "inbox.conversation.state_changed",
            caller,
            "conversation",
            now.id,
            state=now.state.value,
            before=before.state.value,
        )
