from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from inbox.conversations.counts.repository import NOBODY
from kit.db.database import Row


@dataclass(slots=True)
class Numbers:
    """How many conversations there are in each state; `unread` are the open ones with something unread."""

    open: int = 0
    pending: int = 0
    snoozed: int = 0
    unread: int = 0

    def add(self, state: str, n: int, *, unread: bool) -> None:
        """Count some."""
        if state == "open":
            self.open += n
            self.unread += n if unread else 0
        elif state == "pending":
            self.pending += n
        elif state == "snoozed":
            self.snoozed += n


@dataclass(slots=True)
class Counts:
    """What the views of an inbox show as numbers."""

    all: Numbers = field(default_factory=Numbers)
    unassigned: Numbers = field(default_factory=Numbers)
    assignees: dict[UUID, Numbers] = field(default_factory=dict)
    teams: dict[UUID, Numbers] = field(default_factory=dict)
    channels: dict[UUID, Numbers] = field(default_factory=dict)


def counts(rows: Sequence[Row]) -> Counts:
    """The numbers from rows, of which each says by what it is told apart what it counts for."""
    found = Counts()
    for row in rows:
        _of(found, row).add(row["state"], row["n"], unread=row["unread"])
    found.unassigned = found.assignees.pop(NOBODY, Numbers())
    found.teams.pop(NOBODY, None)
    return found


def _of(found: Counts, row: Row) -> Numbers:
    for groups, key in ((found.assignees, "assignee_id"), (found.teams, "team_id"), (found.channels, "channel_id")):
        if row[key] is not None:
            return groups.setdefault(row[key], Numbers())
    return found.all
