from collections.abc import Iterable
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from kit.http.models import Model, Out
from kit.seal.elsewhere import Envelope
from kit.seal.flights import AT_MOST
from kit.seal.model import SUBJECT, Key, Owner
from kit.seal.store import KeyRef

Question = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A random number of who asks, under which the answer is sealed."""


class OwnerIn(Model):
    """Whose key: an organization's without a subject, else the subject's within it or within none."""

    organization_id: UUID | None
    subject: str = Field(pattern=f"^({SUBJECT})?$", max_length=106)

    @property
    def owner(self) -> Owner:
        """As the keys know it."""
        return Owner(self.organization_id, self.subject)

    @model_validator(mode="after")
    def _is_not_ours(self) -> Self:
        if self.owner.is_platforms:
            raise ValueError("Every service keeps the platform's own keys itself.")
        return self


class WantCurrent(Model):
    """Whose keys are needed to seal."""

    question: Question
    wanted: list[OwnerIn] = Field(min_length=1, max_length=AT_MOST)


class RefIn(Model):
    """A key, and whose it is said to be."""

    organization_id: UUID | None
    id: UUID


class WantKeys(Model):
    """Which keys are needed to open."""

    question: Question
    wanted: list[RefIn] = Field(min_length=1, max_length=AT_MOST)

    @property
    def refs(self) -> list[KeyRef]:
        """As the keys know them."""
        return [KeyRef(each.organization_id, each.id) for each in self.wanted]


class KeyOut(Out):
    """A key for who asked; without `sealed` it was destroyed."""

    organization_id: UUID | None
    subject: str
    id: UUID | None
    sealed: str | None

    @classmethod
    def of(cls, owner: Owner, key_id: UUID | None, key: Key | None, envelope: Envelope) -> Self:
        """Sealed for the way."""
        return cls(
            organization_id=owner.organization_id,
            subject=owner.subject,
            id=key_id,
            sealed=None if key is None else envelope.seal(key),
        )


class KeysOut(Out):
    """Keys."""

    keys: list[KeyOut]


class OwnerOut(Out):
    """Whose key."""

    organization_id: UUID | None
    subject: str


class DestroyedOut(Out):
    """Whose keys were destroyed lately; `too_many` to tell means that any may be."""

    owners: list[OwnerOut]
    too_many: bool

    @classmethod
    def of(cls, owners: Iterable[Owner] | None) -> Self:
        """As it is told."""
        return cls(owners=[OwnerOut.model_validate(each) for each in owners or ()], too_many=owners is None)
