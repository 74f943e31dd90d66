from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.challenges.schemas import LinkToken
from kit.http.models import Model, Out


class BeginRecovery(Model):
    """Why; only staff and the person themselves read it."""

    reason: Annotated[str, Field(min_length=1, max_length=2000, description="How they proved who they are.")]


class StopRecovery(Model):
    """The token of the link in the mail that told of a recovery."""

    token: LinkToken


class FactorRecoveryOut(Out):
    """A removal of all second factors of a user, pending or over."""

    id: UUID
    user_id: UUID
    reason: str | None
    state: Literal["pending", "cancelled", "done"]
    cancelled_by: Literal["link", "factor", "staff"] | None
    begun_by: UUID
    due_at: AwareDatetime = Field(description="When the factors are removed, unless somebody stops it.")
    settled_at: AwareDatetime | None
    created_at: AwareDatetime


class FactorRecoveriesOut(Out):
    """The newest hundred, the newest first."""

    items: list[FactorRecoveryOut]
