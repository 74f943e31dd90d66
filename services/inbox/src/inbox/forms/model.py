"""What somebody sends through a contact form, whatever the page sent it as."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN: Final = re.compile(r"[\s().\-/]+")


@dataclass(frozen=True, slots=True)
class Submission:
    """One message through a form. Nothing in it is proven: anybody can write any address into a form."""

    key: str
    message: str = field(repr=False)
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def known_as(self) -> tuple[str, str]:
        """By what its sender is recognised: the address, or without one the number; kind and value.

        Never by both: who writes somebody else's number beside an address of their own is not that person, and what
        is answered to them must not be shown as answered to that person.
        """
        if self.email:
            return "email", self.email
        return ("phone", self.phone) if _PHONE.fullmatch(self.phone) else ("", "")

    def id(self, salt: str) -> str:
        """By what a second one is known to be the same: what was said, by whom, and a salt that parts occasions."""
        said = (self.key, *self.known_as, self.subject, self.message, *map(str, sorted(self.fields.items())), salt)
        digest = hashlib.sha256("\0".join(said).encode(errors="surrogatepass")).digest()
        return str(UUID(bytes=digest[:16], version=4))

    def told(self, identity: str, at: datetime) -> dict[str, Any]:
        """It as it is kept."""
        return {
            "key": self.key,
            "id": identity,
            "at": at.isoformat(),
            "message": self.message,
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "subject": self.subject,
            "fields": dict(self.fields),
        }

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """It again, from what was kept."""
        words = {name: str(told.get(name, "")) for name in ("key", "message", "name", "email", "phone", "subject")}
        fields = told.get("fields")
        return cls(**words, fields=fields if isinstance(fields, dict) else {})


def normal_phone(text: str) -> str:
    """A number as it can be called from anywhere, where it was written so; else as it was written."""
    bare = _BETWEEN.sub("", text)
    bare = "+" + bare[2:] if bare.startswith("00") else bare
    return bare if _PHONE.fullmatch(bare) else text
