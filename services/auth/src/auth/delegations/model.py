from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from auth.delegations.errors import AssignmentNotAcceptable, DelegationGone, EndNotAcceptable, NotYoursToAccept
from auth.members.permissions import Role

LONGEST: Final = timedelta(days=2 * 366)
MOST_PROPOSALS: Final = 100
MOST_ASSIGNMENTS: Final = 200

Side = Literal["client", "agency"]
Because = Literal["client", "agency", "expired"]


class DelegationState(StrEnum):
    """Where a delegation stands: asked for by the agency, offered by the client, in force, or over."""

    ASKED = "asked"
    OFFERED = "offered"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Delegation:
    """What a client lets an agency do; `name` is that of the other side, where it may be told."""

    id: UUID
    organization_id: UUID
    agency_id: UUID
    roles: tuple[Role, ...]
    state: DelegationState
    ends_at: datetime
    granted_at: datetime | None
    ended_because: str | None
    version: int
    created_at: datetime
    name: str | None = None

    def check_acceptance(self, side: Side) -> None:
        """Whether this side may accept it.

        Raises:
            DelegationGone: it is over.
            NotYoursToAccept: this side has proposed it.
        """
        if self.state is DelegationState.ENDED:
            raise DelegationGone
        if self.state is (DelegationState.OFFERED if side == "client" else DelegationState.ASKED):
            raise NotYoursToAccept

    def other(self, side: Side) -> UUID:
        """The organization on the other side."""
        return self.agency_id if side == "client" else self.organization_id

    def names_other(self, side: Side) -> bool:
        """Whether this side may learn what the other is called: a client that is merely asked tells nobody."""
        return side == "client" or self.granted_at is not None or self.state is DelegationState.OFFERED


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whom an agency sends in which role: a member, a team, or (neither) everybody."""

    role: Role
    member_id: UUID | None = None
    team_id: UUID | None = None


def check_end(ends_at: datetime, now: datetime) -> None:
    """Whether a delegation may end then.

    Raises:
        EndNotAcceptable: it is over already, or too far away.
    """
    if not now < ends_at <= now + LONGEST:
        raise EndNotAcceptable


def check_assignments(wanted: Sequence[Assignment], given: Collection[Role]) -> None:
    """Whether an agency may send these.

    Raises:
        AssignmentNotAcceptable: somebody is named twice, or in a role that was not given.
    """
    named = {(each.member_id, each.team_id) for each in wanted}
    both = any(each.member_id and each.team_id for each in wanted)
    if both or len(named) != len(wanted) or not {each.role for each in wanted} <= set(given):
        raise AssignmentNotAcceptable
