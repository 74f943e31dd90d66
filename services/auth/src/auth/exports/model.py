from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.operations.audience import Audience

LIFE: Final = timedelta(hours=24)
MOST_ROWS: Final = 200_000
"""An export stands in the database until it expires: at 150 bytes a row some 30 MB."""


class What(StrEnum):
    """Of what a list is made."""

    USERS = "users"
    ORGANIZATIONS = "organizations"


class State(StrEnum):
    """Where an export stands."""

    UNDER_WAY = "under_way"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


COLUMNS: Final = {
    What.USERS: ("id", "address", "language", "created_at", "verified_at", "last_active_at", "suspended_at"),
    What.ORGANIZATIONS: ("id", "name", "plan", "members", "created_at"),
}


@dataclass(frozen=True, slots=True)
class StaffExport:
    """A list that a member of staff has asked for."""

    id: UUID
    what: What
    audience: Audience
    job_id: UUID
    requested_by: UUID
    state: State
    bytes: int
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user as the list has them; the address is opened with no transaction open."""

    id: UUID
    address: SealedAddress | None
    language: str
    created_at: datetime
    verified_at: datetime | None
    last_active_at: datetime | None
    suspended_at: datetime | None
