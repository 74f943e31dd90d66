"""Contacts become one, and two again: each keeps its row, its key, what it is known by and whose each message is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from contracts.inbox import ContactsMerged, ContactsSeparated
from inbox.channels.base import Platforms
from inbox.contacts.errors import ContactNotFound
from inbox.contacts.merging.errors import (
    AlreadyOne,
    AlreadyUndone,
    BeingErased,
    MatchDecided,
    MatchNotFound,
    StillMoving,
)
from inbox.contacts.merging.model import BY_HAND, Happened, Match, Merge, subtree
from inbox.contacts.merging.repository import (
    HistoryRepository,
    MatchRepository,
    MergeRepository,
    PeopleRepository,
    claim_matches,
)
from inbox.contacts.recognizing import IDENTITY
from inbox.contacts.repository import MATCHES, ContactRepository
from inbox.conversations.joining.arranging import Arranging
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Row, Transaction
from kit.errors import TransientError
from kit.http.caller import MemberCaller
from kit.process import Loop
from kit.seal import Keyring

log = structlog.get_logger(__name__)

_TRIES: Final = 5
_BATCH: Final = 20
_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Merging:
    """Merges contacts, by hand and by what the platform tells, and undoes it."""

    database: Database
    keyring: Keyring
    platforms: Platforms

    def loops(self) -> tuple[Loop, ...]:
        """Merges what the platform has told to be one, woken by the commit in which it was told."""
        return (Loop("inbox.contacts.merge", partial(self.database.wakeups.work_off, MATCHES, self.work)),)

    async def merge(self, caller: MemberCaller, kept_id: UUID, other_id: UUID) -> Merge:
        """The other contact is shown as this one from now on, with all that was said.

        Raises:
            AlreadyOne: they are.
            BeingErased: one of them is just being forgotten.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            merge = await self._merge(tx, kept_id, other_id, BY_HAND)
            await tx.emit(
                audited("inbox.contact.merged", caller, "contact", merge.kept_id, merged=str(merge.merged_id))
            )
        return merge

    async def undo(self, caller: MemberCaller, merge_id: UUID) -> Merge:
        """Both are as they were, with what came meanwhile: each thing goes to whom it came from.

        Raises:
            AlreadyUndone: it was.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            merge = await self._undo(tx, merge_id)
            await tx.emit(
                audited("inbox.contact.separated", caller, "contact", merge.kept_id, merged=str(merge.merged_id))
            )
        return merge

    async def accept(self, caller: MemberCaller, match_id: UUID) -> Merge:
        """What was suggested is right: the contact that has been here longer is kept."""
        async with self.database.transaction(caller.organization_id) as tx:
            match = await MatchRepository(tx).find(match_id)
            await self._locked(tx, (match.first_id, match.second_id))
            await self._open(tx, match_id)
            merge = await self._merge_older(tx, match.first_id, match.second_id, match.rule)
            await MatchRepository(tx).decide(match.id, "merged")
            await tx.emit(
                audited("inbox.contact.merged", caller, "contact", merge.kept_id, merged=str(merge.merged_id))
            )
        return merge

    async def dismiss(self, caller: MemberCaller, match_id: UUID) -> None:
        """They are two; it is not suggested again."""
        async with self.database.transaction(caller.organization_id) as tx:
            match = await self._open(tx, match_id)
            await MatchRepository(tx).decide(match.id, "dismissed")

    async def suggestions(self, caller: MemberCaller, after: tuple[datetime, UUID] | None, limit: int) -> list[Match]:
        """Contacts that may be one, the oldest suggestion first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await MatchRepository(tx).page(after, limit)

    async def _open(self, tx: Transaction, match_id: UUID) -> Match:
        match, state = await MatchRepository(tx).lock(match_id)
        if state != "suggested":
            raise MatchDecided
        return match

    async def work(self) -> bool:
        """Merge some of what the platform told to be one, in whichever organization; False when nothing is due."""
        async with self.database.transaction() as tx:
            due = await claim_matches(tx, _BATCH)
        for row in due:
            try:
                await self._told(row)
            except (TransientError, BeingErased) as trouble:
                log.info("contacts.merge_put_off", match=str(row["id"]), trouble=type(trouble).__name__)
        return bool(due)

    async def _told(self, row: Row) -> None:
        async with self.database.transaction(row["organization_id"]) as tx:
            pair = (row["first_id"], row["second_id"])
            try:
                await self._locked(tx, pair)
                _, state = await MatchRepository(tx).lock(row["id"])
                if state != "due":
                    return
                await MatchRepository(tx).decide(row["id"], "merged")
                merge = await self._merge_older(tx, *pair, row["rule"])
            except (AlreadyOne, ContactNotFound, MatchNotFound):  # they are one, or gone, by now
                return
            merged = str(merge.merged_id)
            await tx.emit(
                audited("inbox.contact.merged", SYSTEM, "contact", merge.kept_id, merged=merged, rule=merge.rule)
            )

    async def _merge_older(self, tx: Transaction, one: UUID, other: UUID, rule: str) -> Merge:
        """The contact that has been here longer is kept."""
        kept_id = await PeopleRepository(tx).older(one, other)
        return await self._merge(tx, kept_id, other if kept_id == one else one, rule)

    async def _merge(self, tx: Transaction, kept_id: UUID, other_id: UUID, rule: str) -> Merge:
        people = PeopleRepository(tx)
        heads = await self._locked(tx, (kept_id, other_id))
        kept, other = heads[kept_id], heads[other_id]
        if kept == other:
            raise AlreadyOne
        members = [row["id"] for row in await people.members([kept, other])]
        if await people.being_erased(members):
            raise BeingErased
        merge = await MergeRepository(tx).add(kept, other, rule)
        await people.point(members, kept)
        arranging = Arranging(tx, self.platforms)
        await arranging.arrange(kept, members)
        await arranging.tell()
        version = (await people.versions([kept]))[kept]
        await tx.emit(
            ContactsMerged(
                organization_id=tx.organization_id,
                version=version,
                contact_id=kept,
                merged_id=other,
                merge_id=merge.id,
                rule=rule,
            )
        )
        return merge

    async def _undo(self, tx: Transaction, merge_id: UUID) -> Merge:
        merges, people = MergeRepository(tx), PeopleRepository(tx)
        merge = await merges.find(merge_id)
        heads = await self._locked(tx, (merge.merged_id,))
        if (await merges.find(merge_id)).undone_at is not None:
            raise AlreadyUndone
        head = heads[merge.merged_id]
        members = {row["id"] for row in await people.members([head])}
        if await people.being_erased(members):
            raise BeingErased
        await merges.undo(merge_id)
        apart = subtree(merge.merged_id, await merges.parents(members))
        stay = members - apart
        await people.point(apart, merge.merged_id)
        await people.point(stay, head)
        await MatchRepository(tx).apart(apart, stay)
        arranging = Arranging(tx, self.platforms)
        await arranging.arrange(merge.merged_id, apart)
        await arranging.arrange(head, stay)
        await arranging.tell()
        version = (await people.versions([head]))[head]
        await tx.emit(
            ContactsSeparated(
                organization_id=tx.organization_id,
                version=version,
                contact_id=head,
                separated_id=merge.merged_id,
                merge_id=merge.id,
            )
        )
        return await merges.find(merge_id)

    async def _locked(self, tx: Transaction, contact_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """As whom these are shown, locked so that it stays so; whoever merges locks in the same order.

        Raises:
            ContactNotFound: one of them is not there.
            StillMoving: others merge them again and again.
        """
        people, contacts = PeopleRepository(tx), ContactRepository(tx)
        for _ in range(_TRIES):
            heads = await contacts.heads(contact_ids)
            if len(heads) < len(set(contact_ids)):
                raise ContactNotFound
            await people.lock(set(heads.values()))
            if await contacts.heads(contact_ids) == heads:
                return heads
        raise StillMoving

    async def history(self, caller: MemberCaller, contact_id: UUID) -> list[Happened]:
        """Why these are one: what they are and were known by, what moved, and each merge with its rule.

        The newest first; at most 200 lines of each sort.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            people, told = PeopleRepository(tx), HistoryRepository(tx)
            head = (await ContactRepository(tx).heads([contact_id])).get(contact_id)
            if head is None:
                raise ContactNotFound
            members = [row["id"] for row in await people.members([head])]
            identities = await told.identities(members, _LINES)
            changes = await told.changes(members, _LINES)
            merges = await MergeRepository(tx).of(members, _LINES)
        values = await self._values(caller.organization_id, [*identities, *changes])
        lines = [_learnt(row, value) for row, value in zip(identities, values, strict=False)]
        lines += [_changed(row, value) for row, value in zip(changes, values[len(identities) :], strict=True)]
        for merge in merges:
            lines += _merged(merge)
        return sorted(lines, key=lambda each: each.at, reverse=True)

    async def _values(self, organization_id: UUID, rows: Sequence[Row]) -> list[str | None]:
        if not rows:
            return []
        opened = await self.keyring.open_many(organization_id, [(row["sealed"], IDENTITY) for row in rows])
        return [None if each is None else each.decode(errors="replace") for each in opened]


def _learnt(row: Row, value: str | None) -> Happened:
    return Happened(row["created_at"], "known_as", row["contact_id"], kind=row["kind"], value=value)


def _changed(row: Row, value: str | None) -> Happened:
    return Happened(row["at"], row["change"], row["contact_id"], row["from_id"], row["kind"], value)


def _merged(merge: Merge) -> list[Happened]:
    undone = merge.undone_at is not None
    ids = (merge.kept_id, merge.merged_id)
    lines = [Happened(merge.merged_at, "merged", *ids, rule=merge.rule, merge_id=merge.id, undone=undone)]
    if merge.undone_at is not None:
        lines.append(Happened(merge.undone_at, "separated", *ids, merge_id=merge.id, undone=True))
    return lines
