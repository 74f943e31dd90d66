"""Who wrote this: the contact behind the identities of a message, found or made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from inbox.channels.base import Identity, IdentityKind, Said
from inbox.contacts.blind import Blind
from inbox.contacts.repository import ContactRepository, Held, NewIdentity
from inbox.whatsapp.numbers import is_number, variants
from kit.db.database import Transaction
from kit.ids import new_id
from kit.seal import Keyring, KeyShredded

NAME: Final = b"contacts.name_sealed"
IDENTITY: Final = b"contact_identities.sealed"


class Writer(NamedTuple):
    """Who wrote: the contact under whose key it is sealed, and the one as which that is shown.

    They differ while two contacts are merged.
    """

    id: UUID
    head: UUID


def subject(contact_id: UUID) -> str:
    """The subject under whose key everything of a contact is sealed."""
    return f"contact:{contact_id}"


@dataclass(frozen=True, slots=True)
class Recognizing:
    """Finds the contact by the surest identity that is known; an identity belongs to one contact, by a unique index.

    Of two transactions that meet a newcomer at once, one makes the contact and the other waits and finds it: at the
    index, or at a lock where their number has several spellings.
    """

    keyring: Keyring

    async def read_ahead(self, contacts: ContactRepository, blind: Blind, several: Iterable[Said]) -> list[Held]:
        """Ask once for the rows of all who said something."""
        wanted = (each for said in several for each in hashed(blind, said.known_as))
        return await contacts.read_ahead({(identity.kind, blinded) for identity, blinded in wanted})

    async def contact(self, contacts: ContactRepository, blind: Blind, said: Said, at: datetime) -> Writer:
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
        if found is None and not formerly and await contacts.alone(spelled(blind, said.known_as)):
            held = await self._held(contacts, blind, said.known_as)
            found = await self._find(contacts, blind, said.known_as, held, at)
        if found is None:
            writer = await self._make(contacts, blind, said, at)
        else:
            writer = Writer(found.contact_id, found.head)
            await self._rename(contacts, found, said.name if said.proven else "")
        if formerly:
            await self._move(contacts, blind, writer.id, said, at)
        if found is None or formerly:  # it has just changed
            held = await self._held(contacts, blind, said.known_as)
        await self._learn(contacts, blind, writer.id, said.known_as, held, at=at)
        await self._match(contacts, writer, said, held, at)
        return writer

    async def _match(
        self, contacts: ContactRepository, writer: Writer, said: Said, held: Sequence[Held], at: datetime
    ) -> None:
        """What one message tells of its writer, and leads to two contacts, shows that the two are one.

        Not so a number that has changed hands. Merging is left to a loop: it takes locks of its own.
        """
        rule = "claimed" if not said.proven else "identity_changed" if said.formerly else "same_message"
        for other in {each.contact_id: each for each in held if each.leads(at) and each.head != writer.head}.values():
            if not await self._changed_hands(contacts, other, said.known_as):
                await contacts.match(writer.id, other.contact_id, rule, due=said.proven)

    async def _suggest(self, contacts: ContactRepository, blind: Blind, writer: Writer, said: Said) -> None:
        """A newcomer may be somebody with the same number on another channel; a person decides that."""
        elsewhere = [also for each in said.known_as if (also := _elsewhere(each)) is not None]
        for other in await self._held(contacts, blind, elsewhere) if elsewhere else ():
            if other.left_at is None and other.head != writer.head:
                await contacts.match(writer.id, other.contact_id, "same_number", due=False)

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
        """The new number is theirs, whoever had it; the old one leads to them no more, for it may be given away.

        Likewise an id, which the platform gives anew with a number; nobody else ever has it.
        """
        kinds = {each.kind for each in said.known_as}
        now = {each for _, each in hashed(blind, said.known_as)}
        then = {one for each, one in hashed(blind, said.formerly) if each.kind in kinds}
        left = await contacts.leave(contact_id, list(then - now), at)
        if left:
            await contacts.journal(contact_id, None, "left", [(row["kind"], row["sealed"]) for row in left], at)
        numbers = [each for each in said.known_as if each.kind == "whatsapp_id"]
        for identity in await self._sealed(contacts.tx, blind, contact_id, numbers):
            await self._take(contacts, contact_id, identity, at)

    async def _held(self, contacts: ContactRepository, blind: Blind, wanted: Sequence[Identity]) -> list[Held]:
        """The rows of these identities, in all their spellings."""
        spelled = hashed(blind, wanted)
        return await contacts.holders([each.kind for each, _ in spelled], [blinded for _, blinded in spelled])

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
        for identity, one in hashed(blind, wanted):
            holder = by_hash.get((identity.kind, one))
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

    async def _make(self, contacts: ContactRepository, blind: Blind, said: Said, at: datetime) -> Writer:
        tx, contact_id, known_as = contacts.tx, new_id(), said.known_as or said.formerly
        identities = await self._sealed(tx, blind, contact_id, known_as)
        first, *_ = identities or [NewIdentity("bsuid", blind("nobody", str(contact_id)), "", b"")]
        if not await contacts.claim(contact_id, first, at):
            (holder,) = await contacts.holders([first.kind], [first.blind])
            if first.kind != "whatsapp_id" or not await self._changed_hands(contacts, holder, known_as):
                return Writer(holder.contact_id, holder.head)
            await self._take(contacts, contact_id, first, at)
        for identity in identities[1:]:
            if identity.kind == "whatsapp_id":
                await self._take(contacts, contact_id, identity, at)
        await contacts.add(contact_id, await self._seal_name(tx, contact_id, said.name))
        made = Writer(contact_id, contact_id)
        await self._suggest(contacts, blind, made, said)
        return made

    async def _take(self, contacts: ContactRepository, contact_id: UUID, identity: NewIdentity, at: datetime) -> None:
        """It is this contact's from now on, which is kept on record when it was another's."""
        former = await contacts.hand_over(contact_id, identity)
        if former is not None:
            await contacts.journal(contact_id, former, "taken", [(identity.kind, identity.sealed)], at)

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
        fresh = [each for blinded, each in hashes.items() if blinded not in taken]
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


def hashed(blind: Blind, wanted: Sequence[Identity]) -> list[tuple[Identity, bytes]]:
    """Each identity with the hash of each of its spellings."""
    return [(each, blind(each.kind, value)) for each in wanted for value in spellings(each.kind, each.value)]


def spelled(blind: Blind, wanted: Iterable[Identity]) -> list[bytes]:
    """What stands for those of which there are several spellings, whichever is told; sorted."""
    several = ((each.kind, spellings(each.kind, each.value)) for each in wanted)
    return sorted({blind(kind, min(values)) for kind, values in several if len(values) > 1})


def spellings(kind: IdentityKind, value: str) -> tuple[str, ...]:
    """The value, and other spellings of it by which the same person may be known; the given one first."""
    if kind == "whatsapp_id":
        return variants(value)
    if kind == "phone" and is_number(value.removeprefix("+")):
        return tuple(f"+{each}" for each in variants(value.removeprefix("+")))
    return (value,)


def _elsewhere(identity: Identity) -> Identity | None:
    """The same number as another kind of channel knows it."""
    if identity.kind == "whatsapp_id":
        return Identity("phone", f"+{identity.value}")
    number = identity.value.removeprefix("+")
    return Identity("whatsapp_id", number) if identity.kind == "phone" and is_number(number) else None
