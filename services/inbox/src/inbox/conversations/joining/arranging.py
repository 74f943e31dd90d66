"""Conversations follow their contacts: with contacts that are one there is one on each channel.

Merging and undoing are the same here. Whose each message is stands at it, so that for any group of contacts it can be
said where what is theirs belongs; a group is arranged, whatever it was before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from inbox.channels.base import Platforms
from inbox.channels.viewing.repository import ViewingRepository
from inbox.conversations.facts import tell_changed
from inbox.conversations.joining.belongings.repository import BelongingsRepository
from inbox.conversations.joining.repository import Elsewhere, Thread, ThreadRepository
from inbox.conversations.repository import ConversationRepository, PersonsConversations
from inbox.members.repository import MemberRepository
from kit.db.database import Transaction
from kit.ids import new_id


@dataclass(slots=True)
class Arranging:
    """Arranges the conversations of one group of contacts after another, in one transaction.

    The caller has locked the contacts. `tell` says what has changed, once, when all are arranged.
    """

    tx: Transaction
    platforms: Platforms
    _changed: set[UUID] = field(default_factory=set)

    async def arrange(self, head: UUID, members: Collection[UUID]) -> None:
        """On each channel one conversation goes on with `head`, with all that was said by and to the members."""
        threads = ThreadRepository(self.tx)
        own = await threads.begun_with(members)
        others = await threads.elsewhere(members, [each.id for each in own])
        for (channel_id, kind), found in _by_channel([*own, *others]):
            mine = [each for each in found if isinstance(each, Thread)]
            theirs = [each for each in found if isinstance(each, Elsewhere)]
            await self._one(head, members, mine, theirs, (channel_id, kind))

    async def _one(
        self,
        head: UUID,
        members: Collection[UUID],
        mine: Sequence[Thread],
        theirs: Sequence[Elsewhere],
        channel: tuple[UUID, str],
    ) -> None:
        threads, ids = ThreadRepository(self.tx), {each.id for each in mine}
        tops = [each for each in mine if each.continued_in is None or each.continued_in not in ids]
        live = max(tops, key=lambda each: each.rank, default=None)
        for each in tops:
            if live is not None and each is not live and each.continued_in is None:
                await threads.pause(each.id, live.id, _paused(each, live))
                self._changed.add(each.id)
            elif live is not None and each is not live:
                await threads.redirect(each.id, live.id)
        target, origin = (new_id(), head) if live is None else (live.id, live.origin_id)
        if live is None:
            await threads.begin(target, *channel, head)
        elif live.continued_in is not None:
            await self._resume(live, head)
        await threads.hand(ids, head)
        await self._gather(members, (target, origin), live, [each for each in mine if each is not live], theirs)
        if await BelongingsRepository(self.tx).gather(ids, target):
            await PersonsConversations(self.tx).touch([target])
            self._changed.add(target)
        if live is not None and len(tops) > 1:
            await self._agree(live, tops)

    async def _resume(self, thread: Thread, head: UUID) -> None:
        """It comes back as it was; but to nobody, if who had it does not work here or see the channel any more."""
        threads, paused = ThreadRepository(self.tx), thread.paused or {}
        assignee_id = UUID(paused["assignee_id"]) if paused.get("assignee_id") else None
        if assignee_id is not None and not (
            await MemberRepository(self.tx).answers(assignee_id)
            and await ViewingRepository(self.tx).sees(assignee_id, thread.id)
        ):
            assignee_id = None
        await threads.resume(thread.id, head, assignee_id)
        self._changed.add(thread.id)
        if thread.continued_in is None or "before" not in paused:
            return
        before = paused["before"]
        if paused["copied"]:
            at = _time(before["opted_at"])
            await threads.unwish(thread.continued_in, thread.opted_at, out=before["opted_out"], at=at)
        copied = _time(paused["waiting_since"])
        if copied is not None:
            await threads.unwait(thread.continued_in, copied, _time(before["waiting_since"]))

    async def _gather(
        self,
        members: Collection[UUID],
        target: tuple[UUID, UUID],
        live: Thread | None,
        mine: Sequence[Thread],
        theirs: Sequence[Elsewhere],
    ) -> None:
        """All that is of these contacts on this channel comes into the one conversation."""
        threads, read, came = ThreadRepository(self.tx), None, False
        sources: list[Thread | Elsewhere] = [*mine, *theirs]
        for each in sources:
            moved = await threads.move(each, *target, members)
            read = moved.seen if moved.seen is not None else read
            came = came or moved.messages > 0
            if isinstance(each, Elsewhere):
                await threads.recount(each.id)
                await self._close_window(each.id, each, None)
                self._changed.add(each.id)
            elif moved.messages:
                await threads.recount(each.id)
        if came or theirs:
            await threads.recount(target[0], read)
            self._changed.add(target[0])
            if theirs:
                await self._close_window(target[0], theirs[0], None if live is None else live.window_open_until)

    async def _agree(self, live: Thread, tops: Sequence[Thread]) -> None:
        """Until when they may be written to is the latest of all; whether they want to be is the newest wish."""
        windows = [each.window_open_until for each in tops if each.window_open_until is not None]
        wish = max(tops, key=lambda each: (each.opted_at is not None, each.opted_at or each.last_message_at))
        threads = ThreadRepository(self.tx)
        waiting = [each.waiting_since for each in tops if each.waiting_since is not None]
        await threads.wish(
            live.id,
            max(windows, default=None),
            out=wish.opted_out,
            at=wish.opted_at,
            waiting_since=min(waiting, default=None),
        )
        self._changed.add(live.id)

    async def _close_window(self, conversation_id: UUID, known: Elsewhere, before: datetime | None) -> None:
        """After a conversation was divided, each half is open for as long as who wrote in it lets it be."""
        lasts, threads = self.platforms[known.channel_kind].capabilities.window.lasts, ThreadRepository(self.tx)
        if lasts is None or known.window_open_until is None:
            return
        last = await threads.last_wrote(conversation_id)
        until = None if last is None else min(last + lasts, known.window_open_until)
        await threads.close_window(conversation_id, max((each for each in (until, before) if each), default=None))

    async def tell(self) -> None:
        """What has changed, each once."""
        conversations = ConversationRepository(self.tx)
        for each in sorted(self._changed):
            await tell_changed(self.tx, await conversations.find(each))


def _by_channel(
    found: Iterable[Thread | Elsewhere],
) -> list[tuple[tuple[UUID, str], list[Thread | Elsewhere]]]:
    in_order = sorted(found, key=lambda each: each.channel_id)
    groups = groupby(in_order, key=lambda each: (each.channel_id, each.channel_kind))
    return [(channel, list(group)) for channel, group in groups]


def _paused(thread: Thread, live: Thread) -> Mapping[str, Any]:
    """What is to be known when it goes on by itself again, of it and of the one it goes on in."""
    return {
        "state": thread.state,
        "assignee_id": None if thread.assignee_id is None else str(thread.assignee_id),
        "snoozed_until": _told(thread.snoozed_until),
        "waiting_since": _told(thread.waiting_since),
        "copied": thread.opted_at is not None and (live.opted_at is None or live.opted_at < thread.opted_at),
        "before": {
            "opted_out": live.opted_out,
            "opted_at": _told(live.opted_at),
            "waiting_since": _told(live.waiting_since),
        },
    }


def _told(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
