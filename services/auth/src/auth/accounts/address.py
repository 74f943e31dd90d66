"""E-mail addresses: one spelling to compare by, another to show."""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import ClassVar, Self
from uuid import UUID

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from kit.errors import FieldError, Invalid

LONGEST = 254

PLAIN = re.compile(
    r"(?P<local>[A-Za-z0-9_+-]{1,31}(?:\.[A-Za-z0-9_+-]{1,31})?)"
    r"@(?P<domain>(?:[A-Za-z0-9]{1,31}(?:-[A-Za-z0-9]{1,31})?\.){1,3}[A-Za-z]{2,31})",
    re.ASCII,
)
"""What nearly all addresses look like. The library says the same of them, and takes as long as a statement does."""

# Whether mail arrives is proven by a mail, not by the look of a domain: .local and .test are used where they exist.
SPECIAL_USE_DOMAIN_NAMES.clear()


class AddressInvalid(Invalid):
    """This is not a valid e-mail address."""

    code = "address-invalid"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/email", self.title())])


class AddressDisposable(Invalid):
    """Use an address that lasts: mailboxes of this domain are thrown away."""

    code = "address-disposable"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/email", self.title())])


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address; two of the same `value` are the same mailbox to us, `display` is as it was typed."""

    kind: ClassVar[str] = "email"

    value: str
    display: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address: NFKC, domain as lower-case IDNA, local part case-folded for comparison.

        Raises:
            AddressInvalid: it cannot be an address.
        """
        plain = PLAIN.fullmatch(text)
        if plain is not None and len(text) <= LONGEST:
            local, domain = plain["local"], plain["domain"].lower()
            return cls(value=f"{local.lower()}@{domain}", display=f"{local}@{domain}")
        shown = unicodedata.normalize("NFKC", text.strip())
        if len(shown) > LONGEST:
            raise AddressInvalid
        try:
            found = validate_email(shown, check_deliverability=False, globally_deliverable=False, strict=True)
        except (EmailNotValidError, UnicodeError) as error:
            raise AddressInvalid from error
        local = unicodedata.normalize("NFKC", found.local_part.casefold())
        domain = (found.ascii_domain or found.domain).lower()
        return cls(value=f"{local}@{domain}", display=found.normalized)

    @property
    def wire(self) -> str:
        """The address as mail servers take it: local part as typed, domain in ASCII."""
        return f"{self.display.rpartition('@')[0]}@{self.value.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class SealedAddress:
    """An address as it is stored; it opens for the row of this id alone."""

    row_id: UUID
    sealed: bytes = field(repr=False)
