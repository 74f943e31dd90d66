from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from inbox.arrangement.facts import tell_arranged
from inbox.contacts.errors import ContactNotFound
from inbox.conversations.errors import ConversationContinued, ConversationNotFound
from inbox.conversations.facts import tell_all_changed
from inbox.conversations.repository import ConversationRepository, PersonsConversations
from inbox.labels.errors import LabelNotFound, LabelTaken, NothingToLabel, TooManyLabels, TooManyOnOne, UnknownLabels
from inbox.labels.model import MOST_LABELS, MOST_ON_ONE, Label, key_of
from inbox.labels.repository import Carrier, LabelRepository, label
from inbox.labels.schemas import ApplyLabels, ChangeLabel, MakeLabel
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id

Place = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class LabelService:
    """Labels, and what carries them."""

    database: Database

    async def page(self, caller: MemberCaller, after: Place | None, limit: int) -> list[tuple[Label, Place]]:
        """Labels by name, each with its place in the list."""
        async with self.database.snapshot(caller.organization_id) as tx:
            rows = await LabelRepository(tx).page(after, limit)
        return [(label(row), (row["name_key"], row["id"])) for row in rows]

    async def make(self, caller: MemberCaller, wanted: MakeLabel, key: Idempotency) -> Label:
        """Make a label.

        Raises:
            LabelTaken: there is one of this name.
            TooManyLabels: there are as many as there can be.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            labels = LabelRepository(tx)
            if earlier := await key.claim(tx):
                return await _the(labels, earlier.resource_id)
            await labels.one_by_one()
            if await labels.count() >= MOST_LABELS:
                raise TooManyLabels
            made = await labels.add(new_id(), wanted.name, key_of(wanted.name), wanted.colour)
            if made is None:
                raise LabelTaken
            await key.remember(tx, made.id)
            await tell_arranged(tx, "label", made.id, made.version)
            await tx.emit(audited("inbox.arrangement.changed", caller, "label", made.id, what="made"))
        return made

    async def change(self, caller: MemberCaller, label_id: UUID, wanted: ChangeLabel, expected: Condition) -> Label:
        """Give it another name or colour.

        Raises:
            LabelTaken: another one has this name.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            labels = LabelRepository(tx)
            await labels.one_by_one()
            before = await _the(labels, label_id)
            expected.check(before.version)
            now = replace(before, name=wanted.name or before.name, colour=wanted.colour or before.colour)
            if now == before:
                return before
            if await labels.is_taken(key_of(now.name), label_id):
                raise LabelTaken
            now = replace(now, version=before.version + 1)
            await labels.save(now, key_of(now.name))
            await tell_arranged(tx, "label", label_id, now.version)
            await tx.emit(audited("inbox.arrangement.changed", caller, "label", label_id, what="changed"))
        return now

    async def delete(self, caller: MemberCaller, label_id: UUID) -> None:
        """It is on nothing any more, at once; the rows go by and by."""
        async with self.database.transaction(caller.organization_id) as tx:
            labels = LabelRepository(tx)
            before = await _the(labels, label_id)
            await labels.delete(label_id)
            await tell_arranged(tx, "label", label_id, before.version + 1, deleted=True)
            await tx.emit(audited("inbox.arrangement.changed", caller, "label", label_id, what="deleted"))

    async def apply(self, caller: MemberCaller, wanted: ApplyLabels) -> tuple[int, int]:
        """Put labels on many conversations and contacts and take others off; how many were.

        Raises:
            ConversationNotFound, ContactNotFound: one of them is not there; nothing was changed.
            ConversationContinued: one of them goes on in another one.
        """
        if not (wanted.conversation_ids or wanted.contact_ids) or not (wanted.add or wanted.remove):
            raise NothingToLabel
        add, remove = set(wanted.add) - set(wanted.remove), set(wanted.remove)
        async with self.database.transaction(caller.organization_id) as tx:
            labels = LabelRepository(tx)
            found = await labels.lock_conversations(wanted.conversation_ids)
            if len(found) != len(set(wanted.conversation_ids)):
                raise ConversationNotFound
            for going_on in filter(None, found.values()):
                raise ConversationContinued(conversation_id=str(going_on))
            contacts = await labels.lock_contacts(wanted.contact_ids)
            if len(contacts) != len(set(wanted.contact_ids)):
                raise ContactNotFound
            if len(await labels.lock(add | remove)) != len(add | remove):
                raise UnknownLabels
            on = await put(tx, "conversation", found, add=add, remove=remove, by=caller.user_id)
            of = await put(tx, "contact", contacts, add=add, remove=remove, by=caller.user_id)
        return on[0] + of[0], on[1] + of[1]

    async def carried(self, caller: MemberCaller, carrier: Carrier, carrier_id: UUID) -> list[UUID]:
        """The labels of a conversation or contact."""
        async with self.database.snapshot(caller.organization_id) as tx:
            if carrier == "conversation":
                await ConversationRepository(tx).find(carrier_id)
            found = await LabelRepository(tx).carried(carrier, [carrier_id])
        return found.get(carrier_id, [])


async def put(
    tx: Transaction,
    carrier: Carrier,
    carrier_ids: Collection[UUID],
    *,
    add: Collection[UUID] = (),
    remove: Collection[UUID] = (),
    by: UUID | None = None,
) -> tuple[int, int]:
    """Put labels on and take them off, in a transaction that has locked the carriers and then the labels.

    Conversations that change have a new version, and that is told.

    Raises:
        TooManyOnOne: one would carry more than it can.
    """
    labels = LabelRepository(tx)
    on = await labels.put_on(carrier, carrier_ids, add, by) if add and carrier_ids else []
    off = await taken_off(tx, carrier, carrier_ids, remove)
    if on and await labels.overloaded(carrier, carrier_ids, MOST_ON_ONE):
        raise TooManyOnOne
    await labels.recount(carrier, Counter(row["label_id"] for row in on))
    touched = {row["carrier_id"] for row in (*on, *off)}
    if carrier == "conversation" and touched:
        await tell_all_changed(tx, await PersonsConversations(tx).touch(touched))
    return len(on), len(off)


async def taken_off(
    tx: Transaction, carrier: Carrier, carrier_ids: Collection[UUID], label_ids: Collection[UUID]
) -> list[Row]:
    """Take labels off and count that, in a transaction that has locked the carriers and then the labels."""
    labels = LabelRepository(tx)
    off = await labels.take_off(carrier, carrier_ids, label_ids) if label_ids and carrier_ids else []
    await labels.recount(
        carrier, {label_id: -count for label_id, count in Counter(row["label_id"] for row in off).items()}
    )
    return off


async def _the(labels: LabelRepository, label_id: UUID) -> Label:
    found = await labels.lock([label_id])
    if not found:
        raise LabelNotFound
    return found[0]
