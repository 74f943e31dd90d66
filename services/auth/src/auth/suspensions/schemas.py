from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.suspensions.model import Reason
from kit.http.models import Model, Out

Note = Annotated[str, Field(min_length=1, max_length=2000, description="What only staff read.")]


class Suspend(Model):
    """Why; the word may be told, the note is for staff."""

    reason: Reason
    note: Note | None = None


class SuspensionOut(Out):
    """A suspension, open or lifted."""

    id: UUID
    reason: Reason
    note: str | None
    suspended_by: UUID
    created_at: AwareDatetime
    lifted_by: UUID | None
    lifted_at: AwareDatetime | None


class SuspensionsOut(Out):
    """The newest hundred, the newest first."""

    items: list[SuspensionOut]
