from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from inbox.contacts.model import Contact
from kit.http.models import Out


class IdentityOut(Out):
    """By what a contact is known on a platform."""

    kind: str = Field(description="`whatsapp_id`, `bsuid`, `parent_bsuid` or `phone`.")
    value: str | None = Field(description="Null when the contact was forgotten.")
    last_seen_at: datetime


class ContactOut(Out):
    """A person or company that writes to the organization."""

    id: UUID
    name: str | None = Field(description="As they call themselves; null when unknown or forgotten.")
    identities: list[IdentityOut]
    created_at: datetime
    version: int

    @classmethod
    def of(cls, contact: Contact) -> Self:
        """The contact as shown."""
        return cls(
            id=contact.id,
            name=contact.name,
            identities=[IdentityOut.model_validate(each) for each in contact.known_as],
            created_at=contact.created_at,
            version=contact.version,
        )
