from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from kit.http.models import Model, Out

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]+$"),
]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$", examples=["#1f77b4"], description="Six small hex digits.")]


class MakeLabel(Model):
    """Make a label; names that differ by capitals alone are the same."""

    name: Name
    colour: Colour = "#808080"


class ChangeLabel(Model):
    """Give a label another name or colour; what is left out stays."""

    name: Name | None = None
    colour: Colour | None = None


class ApplyLabels(Model):
    """Put labels on conversations and contacts, and take others off; all of it or nothing."""

    conversation_ids: list[UUID] = Field(default_factory=list, max_length=200)
    contact_ids: list[UUID] = Field(default_factory=list, max_length=200)
    add: list[UUID] = Field(default_factory=list, max_length=30)
    remove: list[UUID] = Field(default_factory=list, max_length=30)


class LabelOut(Out):
    """A label, and how many carry it."""

    id: UUID
    name: str
    colour: str
    conversations: int
    contacts: int
    created_at: datetime
    version: int = Field(description="Rises when name or colour change; also the ETag.")


class AppliedOut(Out):
    """How many labels were put on and taken off; what was so before does not count."""

    added: int
    removed: int


class CarriedOut(Out):
    """The labels of one conversation or contact, by name."""

    label_ids: list[UUID]
