from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.grants.model import GrantReason
from kit.http.models import Model, Out

Note = Annotated[str, Field(min_length=1, max_length=2000, description="What only staff read.")]


class GrantSubscription(Model):
    """A plan until a date, or for so many months from now."""

    plan: Literal["creator", "pro", "agency"]
    until: AwareDatetime | None = None
    months: int | None = Field(None, ge=1, le=24)
    reason: GrantReason
    note: Note | None = None


class GrantOut(Out):
    """A plan that staff granted."""

    id: UUID
    organization_id: UUID
    plan: str
    until: AwareDatetime
    reason: GrantReason
    note: str | None
    granted_by: UUID
    version: int
    created_at: AwareDatetime
    revoked_by: UUID | None
    revoked_at: AwareDatetime | None
    active: bool
