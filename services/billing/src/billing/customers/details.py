"""What stands on an organization's invoices: by whom they are addressed, its tax id, a memo of its own."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final
from uuid import UUID

from kit.errors import FieldError, Invalid

TAX_IDS: Final[Mapping[str, str]] = {
    "au_abn": r"\d{11}",
    "ca_bn": r"\d{9}",
    "ch_vat": r"CHE-?\d{3}\.?\d{3}\.?\d{3}( ?(MWST|TVA|IVA))?",
    "eu_vat": r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)"
    r"[0-9A-Z+*.]{2,12}",
    "gb_vat": r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "jp_trn": r"T\d{13}",
    "no_vat": r"\d{9}MVA",
    "us_ein": r"\d{2}-\d{7}",
}
"""The kinds of tax ids that are taken, with their form; https://docs.stripe.com/billing/customer/tax-ids."""

KEYS: Final = "customer"


class DetailsRefused(Invalid):
    """These details cannot stand on an invoice."""

    code = "billing-details-refused"


@dataclass(frozen=True, slots=True)
class Details:
    """Each may be missing; `country` is ISO 3166, `memo` stands at the foot of each invoice."""

    name: str | None = None
    email: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    tax_id_type: str | None = None
    tax_id: str | None = None
    memo: str | None = None

    def changed(self, given: Mapping[str, str | None]) -> "Details":
        """With what was given in place of what was; None takes a field away.

        Raises:
            DetailsRefused: what comes out does not make sense.
        """
        return Details(**{**asdict(self), **given}).checked()

    def checked(self) -> "Details":
        """The same.

        Raises:
            DetailsRefused: a tax id without its kind or not of its form, or an address without a country.
        """
        if (self.tax_id is None) != (self.tax_id_type is None):
            raise DetailsRefused(errors=[FieldError("#/tax_id_type", "tax_id and tax_id_type come together.")])
        if self.tax_id is not None and not re.fullmatch(TAX_IDS[self.tax_id_type or ""], self.tax_id, re.ASCII):
            raise DetailsRefused(errors=[FieldError("#/tax_id", f"Not of the form of {self.tax_id_type}.")])
        if self.country is None and any((self.line1, self.line2, self.city, self.state, self.postal_code)):
            raise DetailsRefused(errors=[FieldError("#/country", "An address has a country.")])
        return self

    def packed(self) -> bytes:
        """As they are sealed."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def of(cls, opened: bytes | None) -> "Details":
        """What was sealed; nothing where its key was destroyed."""
        if opened is None:
            return cls()
        known, values = {field.name for field in fields(cls)}, json.loads(opened)
        return cls(**{name: value for name, value in values.items() if name in known})

    def at_stripe(self) -> Mapping[str, Any]:
        """The parameters of a customer; what is empty takes away what was there."""
        address = {
            "line1": self.line1,
            "line2": self.line2,
            "city": self.city,
            "state": self.state,
            "postal_code": self.postal_code,
            "country": self.country,
        }
        return {
            "name": self.name or "",
            "email": self.email or "",
            "address": {name: value or "" for name, value in address.items()} if self.country else "",
            "invoice_settings": {"footer": self.memo or ""},
        }


def place(details_id: UUID) -> bytes:
    """Where sealed details rest."""
    return f"customers/{details_id}/details".encode()


def key_owner(details_id: UUID) -> str:
    """Whose key seals this version of the details, within its organization; without it they are gone everywhere."""
    return f"{KEYS}:{details_id}"
