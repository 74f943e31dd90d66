from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.inbox import ContactChanged
from inbox.channels.base import Identity
from inbox.contacts.blind import blind_of
from inbox.contacts.errors import IdentityTaken
from inbox.contacts.merging.repository import PeopleRepository
from inbox.contacts.model import Contact, KnownAs
from inbox.contacts.recognizing import IDENTITY, NAME, hashed, spelled, subject
from inbox.contacts.repository import ContactRepository, Held, NewIdentity
from inbox.contacts.schemas import AddContact, ChangeContact
from inbox.labels.repository import LabelRepository
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ContactService:
    """Contacts as the team sees them."""

    database: Database
    keyring: Keyring

    async def read(self, caller: MemberCaller, contact_id: UUID) -> Contact:
        """One contact."""
        async with self.database.snapshot(caller.organization_id) as tx:
            row = await ContactRepository(tx).find(contact_id)
            people = await ContactRepository(tx).people([contact_id])
        (contact,) = await self._opened(caller.organization_id, [row], people)
        return contact

    async def page(
        self, caller: MemberCaller, before: UUID, limit: int, label_id: UUID | None = None
    ) -> list[Contact]:
        """Contacts, all or those that carry a label, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            if label_id is None:
                rows = await ContactRepository(tx).page(before, limit)
            else:
                rows = await LabelRepository(tx).contacts_with(label_id, before, limit)
            people = await ContactRepository(tx).people([row["id"] for row in rows])
        return await self._opened(caller.organization_id, rows, people)

    async def several(self, caller: MemberCaller, contact_ids: Sequence[UUID]) -> list[Contact]:
        """Those of these that are there, in the same order."""
        return await self.of(caller.organization_id, contact_ids)

    async def of(self, organization_id: UUID, contact_ids: Sequence[UUID]) -> list[Contact]:
        """Those of these that are there, in the same order, for work that nobody waits for."""
        async with self.database.snapshot(organization_id) as tx:
            found = {row["id"]: row for row in await PeopleRepository(tx).rows(contact_ids)}
            people = await ContactRepository(tx).people(list(found))
        rows = [found[each] for each in contact_ids if each in found]
        return await self._opened(organization_id, rows, people)

    async def lookup(self, caller: MemberCaller, identity: Identity) -> list[Contact]:
        """Who is known by this, in any spelling of it: nobody or one, as which they are shown."""
        blind = await blind_of(self.keyring, caller.organization_id)
        async with self.database.snapshot(caller.organization_id) as tx:
            contacts = ContactRepository(tx)
            held = await self._held(contacts, [(identity, each) for _, each in hashed(blind, [identity])])
            heads = list({each.head for each in held if each.left_at is None})
            rows = [await contacts.find(each) for each in heads]
            people = await contacts.people(heads)
        return await self._opened(caller.organization_id, rows, people)

    async def add(self, caller: MemberCaller, wanted: AddContact, key: Idempotency) -> Contact:
        """Know of somebody before they write.

        Raises:
            IdentityTaken: another contact is known by one of these, in one spelling or another.
        """
        contact_id = new_id()
        async with self.database.transaction(caller.organization_id) as tx:
            if earlier := await key.claim(tx):
                contact_id = earlier.resource_id
            else:
                contacts = ContactRepository(tx)
                name = await self._sealed_name(tx, contact_id, wanted.name)
                await self._claim(tx, contact_id, wanted.known_as())
                await contacts.add(contact_id, name)
                await tx.emit(audited("inbox.contact.added", caller, "contact", contact_id))
                await key.remember(tx, contact_id)
        return await self.read(caller, contact_id)

    async def change(
        self, caller: MemberCaller, contact_id: UUID, wanted: ChangeContact, expected: Condition
    ) -> Contact:
        """Call them something else, or know them by more.

        Raises:
            IdentityTaken: another contact is known by one of these; merge the two instead.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            contacts = ContactRepository(tx)
            expected.check((await contacts.lock(contact_id))["version"])
            await self._claim(tx, contact_id, wanted.known_as())
            await contacts.rename(contact_id, await self._sealed_name(tx, contact_id, wanted.name))
            version = (await contacts.lock(contact_id))["version"]
            await tx.emit(
                ContactChanged(organization_id=tx.organization_id, version=version, contact_id=contact_id),
                audited("inbox.contact.changed", caller, "contact", contact_id),
            )
        return await self.read(caller, contact_id)

    async def _claim(self, tx: Transaction, contact_id: UUID, identities: Sequence[Identity]) -> None:
        blind, contacts = await blind_of(self.keyring, tx.organization_id), ContactRepository(tx)
        await contacts.alone(spelled(blind, identities))
        for other in await self._held(contacts, hashed(blind, identities)):
            if other.left_at is None and other.contact_id != contact_id:
                raise IdentityTaken(contact_id=str(other.head))
        values = [(each.value.encode(), IDENTITY) for each in identities]
        sealed = (
            await self.keyring.seal_many(tx.organization_id, values, subject=subject(contact_id)) if values else []
        )
        now = self.database.clock.now()
        for each, one in zip(identities, sealed, strict=True):
            new = NewIdentity(each.kind, blind(each.kind, each.value), each.scope, one)
            if not await contacts.claim(contact_id, new, now):
                (held,) = await contacts.holders([new.kind], [new.blind])
                if held.contact_id != contact_id:
                    raise IdentityTaken(contact_id=str(held.head))

    async def _held(self, contacts: ContactRepository, wanted: Sequence[tuple[Identity, bytes]]) -> list[Held]:
        return await contacts.holders([each.kind for each, _ in wanted], [blinded for _, blinded in wanted])

    async def _sealed_name(self, tx: Transaction, contact_id: UUID, name: str | None) -> bytes | None:
        if name is None:
            return None
        return await self.keyring.seal(tx.organization_id, name.encode(), NAME, subject=subject(contact_id))

    async def _opened(self, organization_id: UUID, rows: Sequence[Row], people: Sequence[Row]) -> list[Contact]:
        """Names and identities in the clear, with one look-up for all keys."""
        sealed = [(row["name_sealed"], NAME) for row in (*rows, *people) if row["name_sealed"] is not None]
        sealed += [(row["sealed"], IDENTITY) for row in people if row["sealed"] is not None]
        opened = await self.keyring.open_many(organization_id, sealed) if sealed else []
        clear = {one: _text(each) for (one, _), each in zip(sealed, opened, strict=True)}
        return [_contact(row, [each for each in people if each["head"] == row["id"]], clear) for row in rows]


def _contact(row: Row, people: Sequence[Row], clear: dict[bytes, str | None]) -> Contact:
    names = [clear[each["name_sealed"]] for each in (row, *people) if each["name_sealed"] is not None]
    known = [KnownAs(each["kind"], clear[each["sealed"]], each["last_seen_at"]) for each in people if each["kind"]]
    return Contact(
        row["id"],
        names[0] if names else None,
        tuple(sorted(known, key=lambda each: each.last_seen_at, reverse=True)),
        row["version"],
        row["created_at"],
        row["merged_into"],
        tuple(dict.fromkeys(each["id"] for each in people if each["id"] != row["id"])),
    )


def _text(opened: bytes | None) -> str | None:
    return None if opened is None else opened.decode(errors="replace")
