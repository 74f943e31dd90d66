from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

WAIT: Final = timedelta(hours=72)
"""For so long whoever owns the account can stop it."""

By = Literal["link", "factor", "staff"]


@dataclass(frozen=True, slots=True)
class FactorRecovery:
    """A removal of all second factors that staff began."""

    id: UUID
    user_id: UUID
    reason_sealed: bytes = field(repr=False)
    state: str
    cancelled_by: str | None
    begun_by: UUID
    due_at: datetime
    settled_at: datetime | None
    created_at: datetime
    reason: str | None = None
