from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.impersonations.model import EndedBy
from kit.http.models import Model, Out

Reason = Annotated[
    str,
    Field(min_length=10, max_length=500, description="Why, in words: the person and their organization read it."),
]


class Impersonate(Model):
    """Act in a person's place."""

    user_id: UUID
    organization_id: UUID | None = Field(None, description="In which of their organizations, or in none.")
    reason: Reason
    minutes: int = Field(30, ge=1, le=60)


class ImpersonationOut(Out):
    """A member of staff in a person's place."""

    id: UUID
    staff_id: UUID
    user_id: UUID
    organization_id: UUID | None
    reason: str | None = Field(description="Null once the person was forgotten.")
    created_at: AwareDatetime
    ends_at: AwareDatetime
    ended_at: AwareDatetime | None
    ended_by: EndedBy | None
    over: bool


class ActingTokenOut(Out):
    """An access token with the claim `act`; ask for another at …/tokens before it expires."""

    impersonation: ImpersonationOut
    access_token: str
    expires_in: int = Field(description="Seconds the access token is good for; at most until the end.")
