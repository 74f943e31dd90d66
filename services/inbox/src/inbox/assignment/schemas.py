from typing import Self
from uuid import UUID

from pydantic import Field

from inbox.assignment.model import Agent, Availability, Policy, Scope, Strategy
from kit.http.models import Model, Out


class SetPolicy(Model):
    """To whom conversations that nobody has are given."""

    strategy: Strategy = Field(
        description="`manual` gives out nothing; `round_robin` gives to whoever was given something longest ago,"
        " `least_busy` to whoever has the fewest open conversations."
    )
    capacity: int | None = Field(
        None, ge=1, le=1000, description="Open conversations beyond which nobody is given more; null: without limit."
    )
    online_only: bool = Field(True, description="Only to those who are connected.")
    release_after: int | None = Field(
        None,
        ge=60,
        le=86400,
        description="Seconds after which open conversations of somebody who is not there go to others; null: never.",
    )
    team_id: UUID | None = Field(
        None, description="The team that answers for a channel, or for all; null: everybody who answers."
    )

    def of(self, scope: Scope, scope_id: UUID) -> Policy:
        """The policy of something."""
        return Policy(
            scope=scope,
            scope_id=scope_id,
            strategy=self.strategy,
            capacity=self.capacity,
            online_only=self.online_only,
            release_after=self.release_after,
            team_id=self.team_id,
        )


class PolicyOut(Out):
    """To whom conversations of a team, of a channel or of all are given that nobody has."""

    scope: Scope
    scope_id: UUID = Field(description="The team, the channel, or the organization.")
    strategy: Strategy
    capacity: int | None
    online_only: bool
    release_after: int | None
    team_id: UUID | None
    version: int


class PoliciesOut(Out):
    """All policies: what holds is the team's, else the channel's, else that of all."""

    items: list[PolicyOut]


class SayAvailability(Model):
    """Whether one takes conversations."""

    availability: Availability = Field(
        description="`online` takes them, `busy` keeps what one has and is given no more, `offline` is as if away."
    )


class LimitAgent(Model):
    """How many conversations somebody is given."""

    capacity: int | None = Field(ge=1, le=1000, description="Open ones at most; null: what the policies say.")


class ConnectedPerson(Model):
    """Somebody who has a page open."""

    organization_id: UUID
    user_id: UUID


class Connected(Model):
    """Who is connected to a gateway."""

    people: list[ConnectedPerson] = Field(max_length=5000)


class PresenceNoted(Out):
    """For how many seconds it is believed."""

    seconds: float


class AgentOut(Out):
    """Somebody who answers, and how they stand."""

    user_id: UUID
    presence: Availability = Field(description="What they say, as long as they are connected; else `offline`.")
    availability: Availability = Field(description="What they say.")
    open_conversations: int
    capacity: int | None = Field(description="Of their own; null: what the policies say.")
    team_ids: list[UUID]

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """The agent as shown."""
        return cls(
            user_id=agent.user_id,
            presence=agent.presence,
            availability=agent.availability,
            open_conversations=agent.open,
            capacity=agent.capacity,
            team_ids=sorted(agent.teams),
        )
