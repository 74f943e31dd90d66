from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from inbox.channels.base import Identity
from inbox.contacts.model import Contact
from kit.http.models import Line, Model, Out

_FORMS = {"phone": "+", "whatsapp_id": ""}


class KnownBy(Model):
    """A number by which somebody is known."""

    kind: Literal["phone", "whatsapp_id"]
    value: str = Field(
        pattern=r"^\+?[1-9][0-9]{6,14}$", description="An international number, in digits, with or without a plus."
    )

    def identity(self) -> Identity:
        """As platforms write it."""
        return Identity(self.kind, _FORMS[self.kind] + self.value.removeprefix("+"))


class AddContact(Model):
    """Know of somebody before they write."""

    name: Line | None = None
    identities: list[KnownBy] = Field([], max_length=20)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.name is None and not self.identities:
            raise ValueError("give a name or an identity")
        return self

    def known_as(self) -> list[Identity]:
        """The identities, each once."""
        return list(dict.fromkeys(each.identity() for each in self.identities))


class ChangeContact(Model):
    """Call a contact something else, or know it by more; what is left out stays."""

    name: Line | None = None
    identities: list[KnownBy] = Field([], max_length=20, description="What is added.")

    def known_as(self) -> list[Identity]:
        """The identities that are added, each once."""
        return list(dict.fromkeys(each.identity() for each in self.identities))


class IdentityOut(Out):
    """By what a contact is known on a platform."""

    kind: str = Field(
        description="`whatsapp_id`, `bsuid`, `parent_bsuid`, `phone`, `messenger_id`, `instagram_id`, `email`, "
        "`customer_id` or `visitor`."
    )
    value: str | None = Field(description="Null when the contact was forgotten.")
    last_seen_at: datetime


class ContactOut(Out):
    """A person or company that writes to the organization."""

    id: UUID
    name: str | None = Field(description="As they call themselves; null when unknown or forgotten.")
    identities: list[IdentityOut]
    created_at: datetime
    version: int
    merged_into: UUID | None = Field(description="The contact as which this one is shown; null: as itself.")
    members: list[UUID] = Field(description="Contacts that are shown as this one; their identities are told, too.")

    @classmethod
    def of(cls, contact: Contact) -> Self:
        """The contact as shown."""
        return cls(
            id=contact.id,
            name=contact.name,
            identities=[IdentityOut.model_validate(each) for each in contact.known_as],
            created_at=contact.created_at,
            version=contact.version,
            merged_into=contact.merged_into,
            members=list(contact.members),
        )
