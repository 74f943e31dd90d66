"""To whom conversations that nobody has are given: a function of who waits, who is there and what policies say."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

Scope = Literal["organization", "channel", "team"]
Strategy = Literal["manual", "round_robin", "least_busy"]
Availability = Literal["online", "busy", "offline"]

HEAD_START: Final = timedelta(minutes=30)
"""How much longer than it has waited a conversation counts as waiting, for each step of its priority: what is urgent
goes first, and what is not is not kept waiting for ever."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for the conversations of a team, of a channel, or of all.

    `manual` gives nothing out. `round_robin` gives to whoever was given something longest ago, `least_busy` to who
    has the fewest open conversations. Nobody is given more than their capacity; what people take themselves counts,
    too, but is not refused. `release_after` is in seconds.
    """

    scope: Scope
    scope_id: UUID
    strategy: Strategy
    capacity: int | None = None
    online_only: bool = True
    release_after: int | None = None
    team_id: UUID | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who answers. `open` is how many open conversations they have, `turn` when they were last given one."""

    user_id: UUID
    availability: Availability = "online"
    connected: bool = False
    capacity: int | None = None
    open: int = 0
    turn: int = 0
    teams: frozenset[UUID] = frozenset()
    hidden: frozenset[UUID] = frozenset()
    """The channels that they do not see, and are given nothing of."""
    gone_since: datetime | None = None
    """Since when they are not there; None while they are, and for those who never were."""

    @property
    def presence(self) -> Availability:
        """How they stand: what they say, as long as they are connected."""
        return self.availability if self.connected else "offline"

    def takes(self, policy: Policy) -> bool:
        """Whether they can be given one more."""
        most = self.capacity if self.capacity is not None else policy.capacity
        there = self.availability == "online" and (self.connected or not policy.online_only)
        return there and (most is None or self.open < most)


@dataclass(frozen=True, slots=True)
class Queue:
    """Conversations that nobody has, of one team or channel, and the policy that holds for them."""

    id: UUID
    policy: Policy
    team_id: UUID | None
    """Whose people answer; None for everybody who does."""

    def suits(self, agent: Agent) -> bool:
        """Whether somebody is one of those who answer here."""
        return self.team_id is None or self.team_id in agent.teams


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation that nobody has, and since when."""

    id: UUID
    queue_id: UUID
    priority: int
    queued_at: datetime
    channel_id: UUID | None = None

    @property
    def place(self) -> tuple[datetime, UUID]:
        """Whoever has the lowest is next."""
        return self.queued_at - self.priority * HEAD_START, self.id


@dataclass(frozen=True, slots=True)
class Given:
    """A conversation for somebody."""

    conversation_id: UUID
    user_id: UUID
    turn: int


def queues(policies: Iterable[Policy], channels: Collection[UUID], teams: Collection[UUID]) -> list[Queue]:
    """The queues out of which something is given: of each team and channel, by its own policy or by that of all."""
    own = {policy.scope_id: policy for policy in policies if policy.scope != "organization"}
    of_all = next((policy for policy in policies if policy.scope == "organization"), None)
    found: list[Queue] = []
    for queue_id in (*teams, *channels):
        policy = own.get(queue_id, of_all)
        if policy is not None and policy.strategy != "manual":
            found.append(Queue(queue_id, policy, queue_id if queue_id in teams else policy.team_id))
    return found


def distributed(
    waiting: Iterable[Waiting], agents: Iterable[Agent], by_id: Mapping[UUID, Queue], turn: int, at_most: int
) -> list[Given]:
    """Who is given what, in the order of those who wait, so many at once.

    What nobody can take waits on, and holds up nobody else.
    """
    present = {agent.user_id: agent for agent in agents}
    suited: dict[tuple[UUID, UUID | None], list[UUID]] = {}
    given: list[Given] = []
    for each in sorted(waiting, key=lambda one: one.place):
        queue, place = by_id[each.queue_id], (each.queue_id, each.channel_id)
        if place not in suited:
            suited[place] = [who for who, agent in present.items() if suits(agent, queue, each.channel_id)]
        able = [present[who] for who in suited[place] if present[who].takes(queue.policy)]
        if not able:
            suited[place] = []  # nobody takes fewer than before
            continue
        chosen = min(able, key=_by_load if queue.policy.strategy == "least_busy" else _by_turn)
        turn += 1
        present[chosen.user_id] = replace(chosen, open=chosen.open + 1, turn=turn)
        given.append(Given(each.id, chosen.user_id, turn))
        if len(given) == at_most:
            break
    return given


def suits(agent: Agent, queue: Queue, channel_id: UUID | None) -> bool:
    """Whether somebody is one of those who answer here, and sees the channel."""
    return queue.suits(agent) and channel_id not in agent.hidden


def unseen(agents: Collection[Agent], by_id: Mapping[UUID, Queue]) -> list[tuple[UUID, UUID]]:
    """Queues with channels that nobody who answers there sees: what waits there would be in the way of the rest."""
    hidden = {channel_id for agent in agents for channel_id in agent.hidden}
    return [
        (queue.id, channel_id)
        for queue in by_id.values()
        for channel_id in sorted(hidden)
        if not any(suits(agent, queue, channel_id) for agent in agents)
    ]


def _by_turn(agent: Agent) -> tuple[int, UUID]:
    return agent.turn, agent.user_id


def _by_load(agent: Agent) -> tuple[int, int, UUID]:
    return agent.open, agent.turn, agent.user_id


def gone(agents: Sequence[Agent], now: datetime, release_after: int) -> list[UUID]:
    """Who has not been there for so many seconds, and gives back what they have."""
    bound = now - timedelta(seconds=release_after)
    return [agent.user_id for agent in agents if agent.gone_since is not None and agent.gone_since <= bound]


def look_at(
    agents: Iterable[Agent], by_id: Mapping[UUID, Queue], seen_until: Mapping[UUID, datetime], now: datetime
) -> datetime | None:
    """When the next one may have to give theirs back, as it stands; None when nobody may.

    Of who is there it is known until when they count as connected: from then on their time runs.
    """
    after = {timedelta(seconds=q.policy.release_after) for q in by_id.values() if q.policy.release_after is not None}
    begins = [agent.gone_since or seen_until.get(agent.user_id) for agent in agents if agent.open]
    times = (begin + each for begin in begins if begin is not None for each in after)
    return min((time for time in times if time > now), default=None)
