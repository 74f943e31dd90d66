"""What contacts are called, asked of platforms that tell an id alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from contracts.inbox import ContactChanged
from inbox.channels.base import Identity, Line, Platforms, recipient
from inbox.contacts.recognizing import IDENTITY, NAME, subject
from inbox.contacts.repository import ContactRepository
from inbox.messages.content import TOKEN
from inbox.tenants import by_organization
from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Parked, Receipt, Refused, Settled, Status, Unanswered
from kit.seal import Keyring, KeyShredded

NAMES: Final = "inbox.contact_name"
_TIMING: Final = Timing(call_within=15.0, looks_after=(1.0, 5.0), absent_after=1.0, give_up_after=86400.0)


@dataclass(frozen=True, slots=True)
class Naming:
    """What asking for one name takes."""

    kind: str
    line: Line
    of: Identity = field(repr=False)


@dataclass(frozen=True, slots=True)
class NameKind:
    """`inbox.contact_name`: it only reads, so what nobody answered is asked again; no name is no trouble."""

    platforms: Platforms
    keyring: Keyring
    name: str = NAMES
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Naming]:
        """By what each contact is known and the token of the channel they wrote to; who has a name needs none."""
        works: dict[UUID, Naming] = {}
        async for organization_id, own in by_organization(tx, entries):
            contacts = ContactRepository(tx)
            rows = await contacts.nameless([each.subject_id for each in own])
            known = await contacts.known_as([row["id"] for row in rows])
            for row in rows:
                work = await self._work(organization_id, row, known)
                if work is not None:
                    works |= {each.id: work for each in own if each.subject_id == row["id"]}
        return works

    async def _work(self, organization_id: UUID, row: Row, known: Sequence[Row]) -> Naming | None:
        platform = self.platforms.get(row["channel_kind"])
        own = [each for each in known if each["contact_id"] == row["id"]]
        sealed = [(row["token_sealed"], TOKEN), *((each["sealed"], IDENTITY) for each in own)]
        token, *values = await self.keyring.open_many(organization_id, sealed)
        if platform is None or token is None:
            return None
        identities = [
            Identity(each["kind"], value.decode(errors="replace"))
            for each, value in zip(own, values, strict=True)
            if value is not None
        ]
        of = recipient(identities, platform.capabilities.reached_by)
        return None if of is None else Naming(platform.kind, Line(row["phone_number_id"], token.decode()), of)

    async def call(self, entry: Entry, work: Naming) -> Receipt:
        """Ask. A token that is refused here says nothing of the channel: it may lack this one permission."""
        try:
            name = await self.platforms[work.kind].name(work.line, work.of, entry.attempt)
        except Parked as trouble:
            raise Refused(trouble.reason, code=trouble.code, said=trouble.said) from trouble
        except Unanswered as trouble:
            raise NotAccepted(str(trouble), code=trouble.code, said=trouble.said) from trouble
        return Receipt(result=name)

    async def look(self, entry: Entry, work: Naming) -> Look:
        """Asked again."""
        _ = entry, work
        return NotFound()

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Call them so, unless they have a name by now or were forgotten."""
        async for organization_id, own in by_organization(tx, settled):
            for each in own:
                if each.status is Status.DONE and isinstance(each.result, str) and each.result:
                    await self._name(tx, organization_id, each.entry.subject_id, each.result)

    async def _name(self, tx: Transaction, organization_id: UUID, contact_id: UUID, name: str) -> None:
        told, owner = name.encode(errors="surrogatepass"), subject(contact_id)
        try:
            sealed = await self.keyring.seal(organization_id, told, NAME, subject=owner)
        except KeyShredded:
            return
        version = await ContactRepository(tx).name_first(contact_id, sealed)
        if version is not None:
            await tx.emit(ContactChanged(organization_id=organization_id, version=version, contact_id=contact_id))
