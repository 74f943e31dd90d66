"""A wish to pay an open invoice again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Pay:
    """A wish to pay an open invoice again: `asked`, `succeeded`, `action_required`, `failed`, or `unknown` yet."""

    id: UUID
    invoice_id: UUID
    state: str
    failure: str
    created_at: datetime
