"""Who wrote this: the contact behind the identities of a message, found or made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.contacts.blind import Blind
from inbox.contacts.repository import ContactRepository, Held, NewIdentity
from inbox.whatsapp.numbers import variants
from inbox.whatsapp.saying import Identity, Said
from kit.db.database import Transaction
from kit.ids import new_id
from kit.seal import Keyring, KeyShredded

NAME: Final = b"contacts.name_sealed"
IDENTITY: Final = b"contact_identities.sealed"


def subject(contact_id: UUID) -> str:
    """The subject under whose key everything of a contact is sealed."""
    return f"contact:{contact_id}"


@dataclass(frozen=True, slots=True)
class Recognizing:
    """Finds the contact by the surest identity that is known; an identity belongs to one contact, by a unique index.

    Of two transactions that meet a newcomer at once, one makes the contact and the other waits and finds it.
    """

    keyring: Keyring

    async def read_ahead(self, contacts: ContactRepository, blind: Blind, several: Iterable[Said]) -> list[Held]:
        """Ask once for the rows of all who said something."""
        hashed = (each for said in several for each in _hashed(blind, said.known_as))
        return await contacts.read_ahead({(identity.kind, blinded) for identity, blinded in hashed})

    async def contact(self, contacts: ContactRepository, blind: Blind, said: Said, at: datetime) -> UUID:
        """The contact who said this then; whoever is known already costs one question, or none if read ahead."""
        tx, formerly = contacts.tx, said.formerly
        held = await self._held(contacts, blind, said.known_as)
        found = (
            await self._moved(contacts, blind, said)
            if formerly
            else await self._find(contacts, blind, said.known_as, held, at)
        )
        if found is not None and await self._forgotten(tx, found.contact_id):
            await contacts.vacate(found.contact_id)
            found = None
        if found is None:
            contact_id = await self._make(contacts, blind, said, at)
        else:
            contact_id = found.contact_id
            await self._rename(contacts, found, said.name)
        if formerly:
            await self._move(contacts, blind, contact_id, said, at)
        if found is None or formerly:  # it has just changed
            held = await self._held(contacts, blind, said.known_as)
        await self._learn(contacts, blind, contact_id, said.known_as, held, at=at)
        return contact_id

    async def _forgotten(self, tx: Transaction, contact_id: UUID) -> bool:
        """Whether nothing can be sealed for them any more: whoever writes now is new to us."""
        try:
            await self.keyring.seal(tx.organization_id, b"", IDENTITY, subject=subject(contact_id))
        except KeyShredded:
            return True
        return False

    async def _moved(self, contacts: ContactRepository, blind: Blind, said: Said) -> Held | None:
        """Who tells of a new number or id.

        Known by what they were, also when another channel has told it before; never by the new number alone, which
        may have been somebody else's.
        """
        ids = [each for each in said.known_as if each.kind != "whatsapp_id"]
        for wanted in (said.formerly, ids):
            found = await self._find(contacts, blind, wanted, await self._held(contacts, blind, wanted))
            if found is not None:
                return found
        return None

    async def _move(
        self, contacts: ContactRepository, blind: Blind, contact_id: UUID, said: Said, at: datetime
    ) -> None:
        """The new number is theirs, whoever had it; the old one leads to them no more, for it may be given away."""
        numbers = [each for each in said.known_as if each.kind == "whatsapp_id"]
        if not numbers:
            return
        now = {blind(each.kind, value) for each in numbers for value in _spellings(each)}
        then = {blind(each.kind, value) for each in said.formerly for value in _spellings(each)}
        await contacts.leave(contact_id, list(then - now), at)
        for identity in await self._sealed(contacts.tx, blind, contact_id, numbers):
            await contacts.hand_over(contact_id, identity)

    async def _held(self, contacts: ContactRepository, blind: Blind, wanted: Sequence[Identity]) -> list[Held]:
        """The rows of these identities, in all their spellings."""
        hashed = _hashed(blind, wanted)
        return await contacts.holders([each.kind for each, _ in hashed], [blinded for _, blinded in hashed])

    async def _find(
        self,
        contacts: ContactRepository,
        blind: Blind,
        wanted: Sequence[Identity],
        held: Sequence[Held],
        at: datetime | None = None,
    ) -> Held | None:
        """The surest of the rows of these by which somebody is known; with a time, was known then."""
        by_hash = {(each.kind, each.blind): each for each in held if at is None or each.leads(at)}
        for identity, hashed in _hashed(blind, wanted):
            holder = by_hash.get((identity.kind, hashed))
            if holder is not None and not await self._changed_hands(contacts, holder, wanted):
                return holder
        return None

    async def _changed_hands(self, contacts: ContactRepository, holder: Held, wanted: Sequence[Identity]) -> bool:
        """Whether a known number now belongs to somebody with another id in the same business account.

        The platform gives a new id with a new number and tells of it, so a number with an unknown id is a number that
        was given to somebody else.
        """
        if holder.kind != "whatsapp_id":
            return False
        scoped = {each.scope for each in wanted if each.kind == "bsuid" and each.scope}
        return bool(scoped) and bool(scoped & await contacts.scopes(holder.contact_id, "bsuid"))

    async def _make(self, contacts: ContactRepository, blind: Blind, said: Said, at: datetime) -> UUID:
        tx, contact_id, known_as = contacts.tx, new_id(), said.known_as or said.formerly
        identities = await self._sealed(tx, blind, contact_id, known_as)
        first, *_ = identities or [NewIdentity("bsuid", blind("nobody", str(contact_id)), "", b"")]
        if not await contacts.claim(contact_id, first, at):
            (holder,) = await contacts.holders([first.kind], [first.blind])
            if first.kind != "whatsapp_id" or not await self._changed_hands(contacts, holder, known_as):
                return holder.contact_id
            await contacts.hand_over(contact_id, first)
        for identity in identities[1:]:
            if identity.kind == "whatsapp_id":
                await contacts.hand_over(contact_id, identity)
        await contacts.add(contact_id, await self._seal_name(tx, contact_id, said.name))
        return contact_id

    async def _learn(
        self,
        contacts: ContactRepository,
        blind: Blind,
        contact_id: UUID,
        known_as: Sequence[Identity],
        held: Sequence[Held],
        *,
        at: datetime,
    ) -> None:
        """Keep what is new; an identity that another contact has stays there until somebody merges the two."""
        hashes = {blind(each.kind, each.value): each for each in known_as}
        taken = {each.blind for each in held if each.leads(at)}
        fresh = [each for hashed, each in hashes.items() if hashed not in taken]
        for identity in await self._sealed(contacts.tx, blind, contact_id, fresh):
            await contacts.claim(contact_id, identity, at)
        if any(each.stale and each.contact_id == contact_id and each.blind in hashes for each in held):
            await contacts.seen(contact_id, list(hashes))

    async def _sealed(
        self, tx: Transaction, blind: Blind, contact_id: UUID, known_as: Sequence[Identity]
    ) -> list[NewIdentity]:
        if not known_as:
            return []
        values = [(each.value.encode(errors="surrogatepass"), IDENTITY) for each in known_as]
        sealed = await self.keyring.seal_many(tx.organization_id, values, subject=subject(contact_id))
        return [
            NewIdentity(each.kind, blind(each.kind, each.value), each.scope, one)
            for each, one in zip(known_as, sealed, strict=True)
        ]

    async def _rename(self, contacts: ContactRepository, found: Held, name: str) -> None:
        """Take a new profile name over; the old one is opened only when there is a new one to compare."""
        tx = contacts.tx
        if not name:
            return
        if found.name_sealed is not None:
            (opened,) = await self.keyring.open_many(tx.organization_id, [(found.name_sealed, NAME)])
            if opened == name.encode(errors="surrogatepass"):
                return
        fresh = await self._seal_name(tx, found.contact_id, name)
        if fresh is not None:
            await contacts.rename(found.contact_id, fresh)

    async def _seal_name(self, tx: Transaction, contact_id: UUID, name: str) -> bytes | None:
        if not name:
            return None
        told = name.encode(errors="surrogatepass")
        return await self.keyring.seal(tx.organization_id, told, NAME, subject=subject(contact_id))


def _hashed(blind: Blind, wanted: Sequence[Identity]) -> list[tuple[Identity, bytes]]:
    return [(each, blind(each.kind, value)) for each in wanted for value in _spellings(each)]


def _spellings(identity: Identity) -> tuple[str, ...]:
    return variants(identity.value) if identity.kind == "whatsapp_id" else (identity.value,)
