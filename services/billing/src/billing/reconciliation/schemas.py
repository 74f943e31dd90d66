from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from kit.http.models import Out


class ReconciliationOut(Out):
    """A comparison of everything with the payment provider."""

    id: UUID
    asked_by: Literal["night", "staff"]
    state: Literal["waiting", "running", "done"]
    due_at: datetime
    object_type: str | None = Field(description="The type that it is at.")
    compared_to: datetime | None = Field(description="What was created before is compared.")
    compared: int
    found: int = Field(description="How much was found that differs.")
    trouble: str = Field(description="Why it does not go on just now.")
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


class DriftOut(Out):
    """Something that differed from what the payment provider holds."""

    id: UUID
    reconciliation_id: UUID
    organization_id: UUID | None
    object_type: str
    object_id: str
    finding: Literal["differs", "missing_here", "missing_there", "nobodys"]
    fields: list[str] = Field(description="What differs.")
    found_at: datetime
    repaired_at: datetime | None = Field(description="When it was read again, or found to be the same.")
