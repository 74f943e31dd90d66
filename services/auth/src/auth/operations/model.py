from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kit.jobs.model import NewItem

MOST_LISTED: Final = 5000
"""Users that may be named in one request."""

SHOWN: Final = 20
"""Of whom a dry run tells by name."""


class Operation(StrEnum):
    """What can be done to many users at once."""

    SUSPEND = "suspend"
    RESTORE = "restore"
    END_SESSIONS = "end_sessions"


PERMISSIONS: Final = {
    Operation.SUSPEND: "users.suspend",
    Operation.RESTORE: "users.suspend",
    Operation.END_SESSIONS: "users.end_sessions",
}
"""What a member of staff needs for each, besides running jobs: the same as for a single user."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """Whom an operation would meet: how many are known, unknown and named twice, and the first of them."""

    total: int
    known: int
    unknown: int
    repeated: int
    first: Sequence[tuple[int, NewItem]]
