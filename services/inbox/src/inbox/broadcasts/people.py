"""What is known of people while a broadcast is sent to them: read and opened for many at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import phonenumbers
from phonenumbers import timezone

from inbox.channels.base import Identity, IdentityKind, recipient
from inbox.contacts.recognizing import IDENTITY, NAME
from inbox.contacts.repository import ContactRepository
from kit.db.database import Row, Transaction
from kit.seal import Keyring

_NUMBERS: Final = ("whatsapp_id", "phone")


@dataclass(frozen=True, slots=True)
class Somebody:
    """A contact in the clear, in memory only."""

    name: str = field(default="", repr=False)
    known_as: Sequence[Identity] = field(default=(), repr=False)
    forgotten: bool = False

    def reached(self, reached_by: Sequence[IdentityKind]) -> Identity | None:
        """Whom it goes to on a channel that takes these; an account of WhatsApp's is a telephone number, too."""
        found = recipient(self.known_as, reached_by)
        if found is None and "phone" in reached_by and self.number:
            return Identity("phone", self.number)
        return found

    @property
    def number(self) -> str:
        """A telephone number, with a plus; empty when none is known."""
        found = next((each.value for kind in _NUMBERS for each in self.known_as if each.kind == kind), "")
        return f"+{found.lstrip('+')}" if found else ""

    @property
    def values(self) -> Mapping[str, str]:
        """What stands for the variables of texts."""
        first, *_ = self.name.split() or [""]
        email = next((each.value for each in self.known_as if each.kind == "email"), "")
        return {
            "contact.name": self.name,
            "contact.first_name": first,
            "contact.phone": self.number,
            "contact.email": email,
        }


_NOBODY: Final = Somebody()


async def people(tx: Transaction, keyring: Keyring, contact_ids: Collection[UUID]) -> dict[UUID, Somebody]:
    """These contacts, each with what those know who are shown as them."""
    rows = await ContactRepository(tx).people(list(contact_ids))
    sealed = [(row["name_sealed"], NAME) for row in rows if row["name_sealed"]]
    sealed += [(row["sealed"], IDENTITY) for row in rows if row["sealed"]]
    opened = iter(await keyring.open_many(tx.organization_id, sealed) if sealed else ())
    names = [next(opened) if row["name_sealed"] else b"" for row in rows]
    values = [next(opened) if row["sealed"] else b"" for row in rows]
    found: dict[UUID, Somebody] = {}
    for row, name, value in zip(rows, names, values, strict=True):
        found[row["head"]] = _with(found.get(row["head"], _NOBODY), row, name, value)
    return found


def _with(somebody: Somebody, row: Row, name: bytes | None, value: bytes | None) -> Somebody:
    known_as = list(somebody.known_as)
    if row["sealed"] and value is not None:
        known_as.append(Identity(row["kind"], value.decode(errors="replace")))
    told = somebody.name or (b"" if name is None else name).decode(errors="replace")
    gone = somebody.forgotten or (bool(row["sealed"]) and value is None)
    return Somebody(told, known_as, gone and not known_as)


def country_of(number: str) -> str:
    """The country of a number, two letters; empty for one that belongs to none."""
    return _place(number)[0]


def zone_of(number: str) -> str:
    """The time zone of a number; the first of a country with several; empty when nobody knows."""
    return _place(number)[1]


def _place(number: str) -> tuple[str, str]:
    if not number:
        return "", ""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "", ""
    zones = timezone.time_zones_for_number(parsed)
    zone = next((each for each in zones if each != timezone.UNKNOWN_TIMEZONE), "")
    return phonenumbers.region_code_for_number(parsed) or "", zone
