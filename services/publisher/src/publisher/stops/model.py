"""Everything that leaves for one account, or for all of an organization, is stopped until a person lifts it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Overdue = Literal["spread", "cancel"]
"""What is done with what came due meanwhile: it leaves at a distance from each other, or never."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop as it is stored; of all accounts, also later ones, where none is named."""

    id: UUID
    organization_id: UUID
    account_id: UUID | None
    reason: str
    stopped_by: UUID | None
    stopped_at: datetime
    lifted_by: UUID | None
    lifted_at: datetime | None
    overdue: Overdue | None
    minutes_apart: int | None
    affected: int
    version: int

    @property
    def cause(self) -> str:
        """The name under which lanes are held for it."""
        return f"stop:{self.id}"

    @property
    def said(self) -> str:
        """Why what waits does not leave."""
        return f"Publishing is stopped: {self.reason}"
