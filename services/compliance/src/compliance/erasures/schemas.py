from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from compliance.erasures.model import Erasure, ErasureState, Way
from compliance.persons.model import PersonKind
from compliance.persons.schemas import PersonIn, PersonOut
from kit.http.models import Model, Out


class RequestErasure(Model):
    """Forget one person."""

    person: PersonIn
    way: Way = Field(
        Way.ERASE, description="`erase` deletes; `anonymise` leaves rows for counting, without whom they are about."
    )
    grace_days: Annotated[int, Field(ge=0, le=30)] | None = Field(
        None, description="How long it can be taken back; without it, as long as the platform says (30 days)."
    )


class AnswerOut(Out):
    """What one service counted."""

    service: str
    state: str = Field(description="asked, blocked or done")
    removed: Mapping[str, int] = Field(description="Rows deleted, by table.")
    anonymised: Mapping[str, int] = Field(description="Rows that stay without what named the person.")
    kept: Mapping[str, int] = Field(description="Rows that stay as they are.")
    kept_because: Mapping[str, str] = Field(validation_alias="because", description="Why they may.")
    blocked_by: str = Field(description="What must be settled first, such as `last_owner`; else empty.")
    answered_at: datetime | None


class ErasureOut(Out):
    """A request to forget a person, and how far it is."""

    id: UUID
    person: PersonOut
    way: Way
    state: ErasureState
    begins_at: datetime = Field(description="Until then it can be cancelled.")
    answers: list[AnswerOut]
    requested_by: UUID
    created_at: datetime
    begun_at: datetime | None
    finished_at: datetime | None
    version: int

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        """The erasure as shown."""
        return cls(
            id=erasure.id,
            person=PersonOut(kind=PersonKind(erasure.person.kind), id=erasure.person.id),
            way=erasure.way,
            state=erasure.state,
            begins_at=erasure.begins_at,
            answers=[AnswerOut.model_validate(answer) for answer in erasure.answers],
            requested_by=erasure.requested_by,
            created_at=erasure.created_at,
            begun_at=erasure.begun_at,
            finished_at=erasure.finished_at,
            version=erasure.version,
        )
