"""What compliance asks of every service that holds something about people, and how they answer.

These classes have no type: compliance and each service make events of their own from them.
"""

from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field

from contracts.event import Audience, Event
from contracts.names import Name

PERSON_KINDS: Final = ("contact", "user")
WAYS: Final = ("erase", "anonymise")

PersonKind = Annotated[Name, Field(examples=list(PERSON_KINDS))]
Way = Annotated[Name, Field(examples=list(WAYS))]
KeyOwner = Annotated[
    str,
    Field(
        pattern=r"^([0-9a-f-]{36}/)?[a-z][a-z_]{0,39}:[0-9a-f-]{36}$",
        examples=["invitation:0190a5c8-7b1e-7c3a-9d52-3f1f6a0b1c2d"],
    ),
]
Counts = Annotated[dict[Name, Annotated[int, Field(ge=0, lt=2**63)]], Field(max_length=100)]


class AsksForExport(Event):
    """Everything that is kept about one person is to be handed over."""

    subject: ClassVar[str] = "export_id"
    audience: ClassVar[Audience] = "internal"

    export_id: UUID = Field(description="The request.")
    person_kind: PersonKind = Field(description="What the person is to us.")
    person_id: UUID = Field(description="The id of the contact or of the user.")


class AnswersExport(Event):
    """A service's part of an export is handed over, piece by piece; the pieces are not in the event."""

    subject: ClassVar[str] = "export_id"
    audience: ClassVar[Audience] = "internal"

    export_id: UUID = Field(description="The request.")
    attempt: int = Field(ge=1, lt=2**31, description="Which of the service's attempts is whole; others are void.")
    pieces: int = Field(ge=0, lt=2**31, description="How many pieces the part has.")
    rows: Counts = Field(description="How many rows of each table it holds.")


class AsksForErasure(Event):
    """Everything that is kept about one person is to go."""

    subject: ClassVar[str] = "erasure_id"
    audience: ClassVar[Audience] = "internal"

    erasure_id: UUID = Field(description="The request.")
    person_kind: PersonKind = Field(description="What the person is to us.")
    person_id: UUID = Field(description="The id of the contact or of the user.")
    way: Way = Field(
        description="What becomes of the rows: `erase` deletes them; with `anonymise` they stay for counting, "
        "without anything by which the person could be known."
    )


class AnswersErasure(Event):
    """A service has looked for everything about this person and says what became of it.

    `done` when what is left, counted afterwards, is what is kept for a reason; `blocked` when something must be
    settled first. A service that was blocked answers again.
    """

    subject: ClassVar[str] = "erasure_id"
    audience: ClassVar[Audience] = "internal"

    erasure_id: UUID = Field(description="The request.")
    outcome: Name = Field(description="Whether the service is through.", examples=["done", "blocked"])
    removed: Counts = Field(description="How many rows of each table were deleted.")
    anonymised: Counts = Field(description="How many rows of each table stay without what named the person.")
    kept: Counts = Field(description="How many rows of each table stay as they are.")
    kept_because: Annotated[dict[Name, Name], Field(max_length=100)] = Field(
        description="For each table of which rows stay, the ground on which they do.", examples=[{"audit": "audit"}]
    )
    keys: Annotated[list[KeyOwner], Field(max_length=1_000)] = Field(
        description="Further keys that sealed something about the person and can be destroyed: kind and id of whose "
        "they are, behind the organization whose key wraps them, if one does."
    )
    blocked_by: Name | None = Field(None, description="What must be settled first.", examples=["last_owner"])
