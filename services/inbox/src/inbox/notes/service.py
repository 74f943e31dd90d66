from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.inbox import ContactChanged, MemberMentioned, MemberMentionedOnContact
from inbox.contacts.merging.repository import PeopleRepository
from inbox.contacts.repository import ContactRepository
from inbox.conversations.facts import tell_all_changed
from inbox.conversations.model import Conversation
from inbox.conversations.repository import ConversationRepository, PersonsConversations
from inbox.members.model import ANSWERING
from inbox.messages.errors import ContactForgotten
from inbox.notes.content import NOTE, sealed_note
from inbox.notes.errors import MentionedTeamNotThere, MentionNotAMember
from inbox.notes.model import Mention, Note, Standing
from inbox.notes.repository import MentionRepository, NoteRepository, Place
from inbox.notes.schemas import RevisionOut, WriteNote
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.seal import Keyring, KeyShredded


@dataclass(frozen=True, slots=True)
class NoteService:
    """What the team writes to itself. Nothing here knows a channel, a platform or the ledger."""

    database: Database
    keyring: Keyring

    async def write(self, caller: MemberCaller, conversation_id: UUID, wanted: WriteNote, key: Idempotency) -> Note:
        """Write a note; whom it calls is told.

        Raises:
            MentionNotAMember: somebody is called who does not work here.
            ContactForgotten: the contact's key was destroyed.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            conversation = await ConversationRepository(tx).lock(conversation_id)
            if earlier := await key.claim(tx):
                row = await NoteRepository(tx).find(earlier.resource_id)
            else:
                row = await self.add(tx, caller.user_id, conversation, wanted)
                await key.remember(tx, row["id"])
            (note,) = await self._shown(tx, [row])
        return note

    async def write_about(self, caller: MemberCaller, contact_id: UUID, wanted: WriteNote, key: Idempotency) -> Note:
        """Write a note about a contact, as who they are shown; there it stays when they are parted again.

        Raises:
            ContactNotFound: there is none.
            MentionNotAMember: somebody is called who does not work here.
            ContactForgotten: the contact's key was destroyed.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            head = await _head(tx, contact_id)
            await ContactRepository(tx).lock(head)
            if earlier := await key.claim(tx):
                row = await NoteRepository(tx).find(earlier.resource_id)
            else:
                row = await self._add(tx, caller.user_id, Standing(contact_id=head), head, wanted)
                await key.remember(tx, row["id"])
            (note,) = await self._shown(tx, [row])
        return note

    async def add(self, tx: Transaction, author_id: UUID, conversation: Conversation, wanted: WriteNote) -> Row:
        """Write a note in a transaction that has locked the conversation."""
        return await self._add(tx, author_id, Standing(conversation.id), conversation.begun_with, wanted)

    async def _add(self, tx: Transaction, author_id: UUID, place: Standing, owner: UUID, wanted: WriteNote) -> Row:
        row = await NoteRepository(tx).add(new_id(), place, author_id, await self._sealed(tx, owner, wanted.text))
        await self._call(tx, author_id, row, await _called(tx, wanted))
        await _tell(tx, place)
        return row

    async def edit(self, caller: MemberCaller, note_id: UUID, wanted: WriteNote, expected: Condition) -> Note:
        """Let a note say something else; what it said is kept with it.

        Raises:
            NoteNotYours: somebody else wrote it.
            NoteDeleted: it is gone.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            row, owner = await self._locked(tx, caller, note_id)
            expected.check(row["version"])
            row = await NoteRepository(tx).edit(note_id, await self._sealed(tx, owner, wanted.text))
            await self._call(tx, caller.user_id, row, await _called(tx, wanted))
            await _tell(tx, _standing(row))
            await tx.emit(audited("inbox.note.changed", caller, "note", note_id, what="edited"))
            (note,) = await self._shown(tx, [row])
        return note

    async def delete(self, caller: MemberCaller, note_id: UUID) -> None:
        """Nothing that it said is kept; that it was there is.

        Raises:
            NoteNotYours: somebody else wrote it.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await self._locked(tx, caller, note_id)
            row = await NoteRepository(tx).delete(note_id)
            await MentionRepository(tx).settle(note_id, row["conversation_id"], ())
            await _tell(tx, _standing(row))
            await tx.emit(audited("inbox.note.changed", caller, "note", note_id, what="deleted"))

    async def page(self, caller: MemberCaller, conversation_id: UUID, after: Place | None, limit: int) -> list[Note]:
        """Notes of a conversation, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            await ConversationRepository(tx).find(conversation_id)
            return await self._shown(tx, await NoteRepository(tx).page(conversation_id, after, limit))

    async def about(self, caller: MemberCaller, contact_id: UUID, after: Place | None, limit: int) -> list[Note]:
        """Notes about a contact and about all that are shown as the same, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            head = await _head(tx, contact_id)
            members = [row["id"] for row in await PeopleRepository(tx).members([head])]
            return await self._shown(tx, await NoteRepository(tx).about(members, after, limit))

    async def revisions(self, caller: MemberCaller, note_id: UUID) -> list[RevisionOut]:
        """What a note said before, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            await NoteRepository(tx).find(note_id)
            rows = await NoteRepository(tx).revisions(note_id)
            texts = await self._opened(tx, [row["content_sealed"] for row in rows])
        return [
            RevisionOut(number=row["number"], text=text, replaced_at=row["replaced_at"])
            for row, text in zip(rows, texts, strict=True)
        ]

    async def mentions(self, caller: MemberCaller, after: Place | None, limit: int, *, unread: bool) -> list[Mention]:
        """Notes that call the caller, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            rows = await MentionRepository(tx).page(caller.user_id, after, limit, unread=unread)
        return [Mention(**row) for row in rows]

    async def unread(self, caller: MemberCaller) -> int:
        """How many of them the caller has not seen."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await MentionRepository(tx).unread(caller.user_id)

    async def read(self, caller: MemberCaller, note_ids: Sequence[UUID] | None) -> int:
        """The caller has seen these, or all; how many are left."""
        async with self.database.transaction(caller.organization_id) as tx:
            mentions = MentionRepository(tx)
            await mentions.read(caller.user_id, note_ids)
            return await mentions.unread(caller.user_id)

    async def _locked(self, tx: Transaction, caller: MemberCaller, note_id: UUID) -> tuple[Row, UUID]:
        """A note of the caller's and the contact under whose key it lies; where it stands is locked before it."""
        place = _standing(await NoteRepository(tx).find(note_id))
        conversation = None
        if place.conversation_id is not None:
            conversation = await ConversationRepository(tx).lock(place.conversation_id)
        else:
            await ContactRepository(tx).lock(_of(place))
        row = await NoteRepository(tx).find(note_id, for_update=True)
        _note(row, None, ()).changed_by(caller.user_id)
        if conversation is None:
            return row, _of(place)
        return row, await ConversationRepository(tx).begun_with(conversation, row["origin_id"])

    async def _sealed(self, tx: Transaction, contact_id: UUID, text: str) -> bytes:
        try:
            return await sealed_note(self.keyring, tx.organization_id, contact_id, text)
        except KeyShredded as shredded:
            raise ContactForgotten from shredded

    async def _call(self, tx: Transaction, author_id: UUID, row: Row, called: Collection[UUID]) -> None:
        """Let it call these, and tell those who were not called before."""
        fresh = await MentionRepository(tx).settle(row["id"], row["conversation_id"], called)
        await tx.emit(*(_calls(tx, row, each, author_id) for each in sorted(fresh) if each != author_id))

    async def _shown(self, tx: Transaction, rows: Sequence[Row]) -> list[Note]:
        called = await MentionRepository(tx).of_notes([row["id"] for row in rows])
        texts = await self._opened(tx, [row["content_sealed"] for row in rows])
        return [_note(row, text, called.get(row["id"], ())) for row, text in zip(rows, texts, strict=True)]

    async def _opened(self, tx: Transaction, sealed: Sequence[bytes]) -> list[str | None]:
        filled = [(each, NOTE) for each in sealed if each]
        told = iter(await self.keyring.open_many(tx.organization_id, filled) if filled else ())
        opened = [next(told) if each else None for each in sealed]
        return [None if each is None else each.decode() for each in opened]


async def _called(tx: Transaction, wanted: WriteNote) -> set[UUID]:
    """Whom a note calls.

    Raises:
        MentionNotAMember: somebody who does not work here.
        MentionedTeamNotThere: no team of this organization.
    """
    named, mentions = set(wanted.mention_ids), MentionRepository(tx)
    if named and await mentions.answering(named, ANSWERING) != named:
        raise MentionNotAMember
    if not wanted.mention_team_ids:
        return named
    teams = await mentions.in_teams(wanted.mention_team_ids, ANSWERING)
    if teams.keys() != set(wanted.mention_team_ids):
        raise MentionedTeamNotThere
    return named.union(*teams.values())


async def _head(tx: Transaction, contact_id: UUID) -> UUID:
    """As whom a contact is shown.

    Raises:
        ContactNotFound: there is none.
    """
    row = await ContactRepository(tx).find(contact_id)
    head: UUID = row["merged_into"] or row["id"]
    return head


async def _tell(tx: Transaction, place: Standing) -> None:
    """Where a note stands there is something new."""
    if place.conversation_id is not None:
        await tell_all_changed(tx, await PersonsConversations(tx).touch([place.conversation_id]))
        return
    contact_id, contacts = _of(place), ContactRepository(tx)
    await contacts.rename(contact_id, None)
    version = (await contacts.lock(contact_id))["version"]
    await tx.emit(ContactChanged(organization_id=tx.organization_id, version=version, contact_id=contact_id))


def _standing(row: Row) -> Standing:
    return Standing(row["conversation_id"], row["contact_id"])


def _of(place: Standing) -> UUID:
    if place.contact_id is None:
        raise LookupError("a note that stands in no conversation is about a contact")
    return place.contact_id


def _calls(tx: Transaction, row: Row, user_id: UUID, by: UUID) -> MemberMentioned | MemberMentionedOnContact:
    if row["conversation_id"] is None:
        return MemberMentionedOnContact(
            organization_id=tx.organization_id,
            version=row["version"],
            note_id=row["id"],
            contact_id=row["contact_id"],
            user_id=user_id,
            by=by,
        )
    return MemberMentioned(
        organization_id=tx.organization_id,
        version=row["version"],
        note_id=row["id"],
        conversation_id=row["conversation_id"],
        user_id=user_id,
        by=by,
    )


def _note(row: Row, text: str | None, mention_ids: tuple[UUID, ...]) -> Note:
    return Note(
        id=row["id"],
        conversation_id=row["conversation_id"],
        contact_id=row["contact_id"],
        author_id=row["author_id"],
        text=text,
        version=row["version"],
        created_at=row["created_at"],
        edited_at=row["edited_at"],
        deleted_at=row["deleted_at"],
        mention_ids=mention_ids,
    )
