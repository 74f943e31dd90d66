from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from inbox.assignment.model import Agent, Given, Policy, Queue, Waiting
from inbox.channels.viewing.narrowing import SEE_ALL
from inbox.members.model import ANSWERING
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class PolicyRepository:
    """The assignment policies of the transaction's organization: one of a team or channel, and one of all."""

    tx: Transaction

    async def all(self) -> list[Policy]:
        """All of them."""
        rows = await self.tx.fetch(
            """
            SELECT scope, scope_id, strategy, capacity, online_only, release_after, team_id, version
            FROM assignment_policies WHERE organization_id = $1 ORDER BY scope, scope_id
            """,
            self.tx.organization_id,
        )
        return [Policy(**row) for row in rows]

    async def save(self, policy: Policy) -> Policy:
        """Write one, and whose conversations are given out from now on."""
        row = await self.tx.fetchrow(
            """
            INSERT INTO assignment_policies AS p (
                organization_id, scope, scope_id, strategy, capacity, online_only, release_after, team_id
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (organization_id, scope_id) DO UPDATE
            SET strategy = excluded.strategy, capacity = excluded.capacity, online_only = excluded.online_only,
                release_after = excluded.release_after, team_id = excluded.team_id, version = p.version + 1
            RETURNING scope, scope_id, strategy, capacity, online_only, release_after, team_id, version
            """,
            self.tx.organization_id,
            policy.scope,
            policy.scope_id,
            policy.strategy,
            policy.capacity,
            policy.online_only,
            policy.release_after,
            policy.team_id,
        )
        await self.tx.execute(
            "INSERT INTO assignment_turns (organization_id) VALUES ($1) ON CONFLICT DO NOTHING",
            self.tx.organization_id,
        )
        if row is None:
            raise LookupError("the policy was just written")
        return Policy(**row)

    async def delete(self, scope: str, scope_id: UUID) -> bool:
        """Delete one; False when there was none."""
        deleted = await self.tx.execute(
            "DELETE FROM assignment_policies WHERE organization_id = $1 AND scope = $2 AND scope_id = $3",
            self.tx.organization_id,
            scope,
            scope_id,
        )
        return deleted == 1

    async def there(self, scope: str, scope_id: UUID) -> bool:
        """Whether there is this team or channel."""
        if scope == "organization":
            return scope_id == self.tx.organization_id
        table, key = ("teams", "team_id") if scope == "team" else ("channels", "id")
        found = await self.tx.fetchval(
            f"SELECT count(*) FROM {table} WHERE {key} = $1 AND organization_id = $2"  # noqa: S608 - one of two
            + (" AND NOT gone" if scope == "team" else ""),
            scope_id,
            self.tx.organization_id,
        )
        return bool(found)


@dataclass(frozen=True, slots=True)
class AgentRepository:
    """How those stand who answer in the transaction's organization."""

    tx: Transaction

    async def all(self) -> list[Agent]:
        """Everybody who answers.

        How much each has is what was counted (`conversation_counts`), so it costs the same whatever they have.
        """
        return [_agent(row) for row in await self._rows(">", BEFORE_ALL, 100_000)]

    async def hold(self, user_ids: Collection[UUID]) -> set[UUID]:
        """Those of these who still answer; they stay members until we commit."""
        rows = await self.tx.fetch(
            """
            SELECT user_id FROM members WHERE organization_id = $1 AND user_id = ANY ($2) AND role = ANY ($3)
            ORDER BY member_id FOR SHARE
            """,
            self.tx.organization_id,
            list(user_ids),
            ANSWERING,
        )
        return {row["user_id"] for row in rows}

    async def page(self, after: UUID | None, limit: int) -> list[Agent]:
        """Likewise a page, in the order of their ids."""
        return [_agent(row) for row in await self._rows(">", after or BEFORE_ALL, limit)]

    async def find(self, user_id: UUID) -> Agent | None:
        """One of them."""
        rows = await self._rows("=", user_id, 1)
        return _agent(rows[0]) if rows else None

    async def _rows(self, compared: Literal["=", ">"], user_id: UUID, limit: int) -> list[Row]:
        return await self.tx.fetch(
            f"""
            SELECT m.user_id, coalesce(a.availability, 'online') AS availability, a.seen_until, a.capacity,
                   coalesce(a.turn, 0) AS turn, coalesce(a.seen_until > kit_now(), false) AS connected,
                   CASE WHEN a.seen_until IS NULL THEN NULL
                        WHEN a.availability = 'offline' THEN least(a.said_at, a.seen_until)
                        WHEN a.seen_until <= kit_now() THEN a.seen_until END AS gone_since,
                   coalesce((SELECT sum(c.n) FROM conversation_counts AS c
                             WHERE c.organization_id = $1 AND c.assignee_id = m.user_id AND c.state = 'open'), 0)::int
                       AS open,
                   ARRAY(SELECT t.team_id FROM team_members AS t
                         WHERE t.organization_id = $1 AND t.user_id = m.user_id AND t.present) AS teams,
                   CASE WHEN EXISTS (SELECT FROM members AS o WHERE o.organization_id = $1
                                     AND o.user_id = m.user_id AND o.role = ANY ($5)) THEN '{{}}'
                        ELSE channels_hidden_from(m.user_id) END AS hidden
            FROM (SELECT DISTINCT user_id FROM members
                  WHERE organization_id = $1 AND role = ANY ($2) AND user_id IS NOT NULL
                    AND user_id {compared} $3
                  ORDER BY user_id LIMIT $4) AS m
            LEFT JOIN agents AS a ON a.organization_id = $1 AND a.user_id = m.user_id
            ORDER BY m.user_id
            """,  # noqa: S608 - one of two signs
            self.tx.organization_id,
            ANSWERING,
            user_id,
            limit,
            list(SEE_ALL),
        )

    async def seen_until(self) -> dict[UUID, datetime]:
        """Until when each of those who were ever here counts as connected."""
        rows = await self.tx.fetch(
            "SELECT user_id, seen_until FROM agents WHERE organization_id = $1 AND seen_until IS NOT NULL",
            self.tx.organization_id,
        )
        return {row["user_id"]: row["seen_until"] for row in rows}

    async def see(self, people: Sequence[tuple[UUID, UUID]], seconds: float) -> list[UUID]:
        """These (organization, user) are connected, and count so for a while; the organizations with somebody new.

        Who does not answer conversations is left out.
        """
        rows = await self.tx.fetch(
            """
            WITH told AS MATERIALIZED (
                SELECT DISTINCT t.organization_id, t.user_id
                FROM unnest($1::uuid[], $2::uuid[]) AS t (organization_id, user_id)
                JOIN members AS m ON m.organization_id = t.organization_id AND m.user_id = t.user_id
                WHERE m.role = ANY ($3)
            ), known AS MATERIALIZED (
                SELECT a.organization_id, a.user_id FROM agents AS a JOIN told USING (organization_id, user_id)
                WHERE a.seen_until > kit_now()
            ), written AS (
                INSERT INTO agents (organization_id, user_id, seen_until)
                SELECT organization_id, user_id, kit_now() + make_interval(secs => $4) FROM told ORDER BY 1, 2
                ON CONFLICT (organization_id, user_id)
                DO UPDATE SET seen_until = greatest(agents.seen_until, excluded.seen_until)
            )
            SELECT DISTINCT organization_id FROM (TABLE told EXCEPT TABLE known) AS came
            """,
            [organization_id for organization_id, _ in people],
            [user_id for _, user_id in people],
            ANSWERING,
            seconds,
        )
        return [row["organization_id"] for row in rows]

    async def say(self, user_id: UUID, availability: str) -> None:
        """Write what somebody says of themselves; the same again keeps the time."""
        await self.tx.execute(
            """
            INSERT INTO agents AS a (organization_id, user_id, availability) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id, user_id) DO UPDATE
            SET availability = excluded.availability, said_at = kit_now()
            WHERE a.availability <> excluded.availability
            """,
            self.tx.organization_id,
            user_id,
            availability,
        )

    async def limit(self, user_id: UUID, capacity: int | None) -> None:
        """Write how much somebody takes at most; None for what the policies say."""
        await self.tx.execute(
            """
            INSERT INTO agents (organization_id, user_id, capacity) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id, user_id) DO UPDATE SET capacity = excluded.capacity
            """,
            self.tx.organization_id,
            user_id,
            capacity,
        )


@dataclass(frozen=True, slots=True)
class GivingRepository:
    """Giving out the conversations of one organization, whose row of turns is held."""

    tx: Transaction

    async def claim(self) -> tuple[UUID, int] | None:
        """An organization in which there may be something to give out, and its turn; it is ours until we commit."""
        row = await self.tx.fetchrow("SELECT organization_id, turn FROM claim_assignment()")
        return None if row is None else (row["organization_id"], row["turn"])

    async def nudge(self, *organization_ids: UUID) -> None:
        """Something has changed by which a conversation may be given to somebody, here or in these."""
        await self.tx.execute(
            """
            INSERT INTO assignment_nudges (organization_id)
            SELECT organization_id FROM assignment_turns WHERE organization_id = ANY ($1)
            """,
            organization_ids or self.tx.organization_ids,
        )

    async def clear(self) -> None:
        """What has changed until now is looked at."""
        await self.tx.execute("DELETE FROM assignment_nudges WHERE organization_id = $1", self.tx.organization_id)

    async def places(self) -> tuple[list[UUID], list[UUID]]:
        """The channels and the teams."""
        channels = await self.tx.fetch("SELECT id FROM channels WHERE organization_id = $1", self.tx.organization_id)
        teams = await self.tx.fetch(
            "SELECT team_id FROM teams WHERE organization_id = $1 AND NOT gone", self.tx.organization_id
        )
        return [row["id"] for row in channels], [row["team_id"] for row in teams]

    async def waiting(
        self, queue_ids: Collection[UUID], without: Sequence[tuple[UUID, UUID]], at_most: int
    ) -> list[Waiting]:
        """Who waits longest in each queue and priority, so many of each: nobody is behind who cannot be helped.

        `without` are queues with channels of which nothing is given out there.
        """
        rows = await self.tx.fetch(
            """
            SELECT w.id, q.id AS queue_id, w.priority, w.queued_at, w.channel_id
            FROM unnest($2::uuid[]) AS q (id) CROSS JOIN generate_series(0, 4) AS p (priority)
            CROSS JOIN LATERAL (
                SELECT c.id, c.priority, coalesce(c.queued_at, c.last_message_at) AS queued_at, c.channel_id
                FROM conversations AS c
                WHERE c.organization_id = $1 AND coalesce(c.team_id, c.channel_id) = q.id
                  AND c.priority = p.priority::smallint
                  AND c.state = 'open' AND c.assignee_id IS NULL AND NOT c.muted
                  AND NOT EXISTS (SELECT FROM unnest($4::uuid[], $5::uuid[]) AS h (queue_id, channel_id)
                                  WHERE h.queue_id = q.id AND h.channel_id = c.channel_id)
                ORDER BY c.queued_at, c.id LIMIT $3
            ) AS w
            """,
            self.tx.organization_id,
            list(queue_ids),
            at_most,
            [queue_id for queue_id, _ in without],
            [channel_id for _, channel_id in without],
        )
        return [Waiting(**row) for row in rows]

    async def give(self, given: Sequence[Given]) -> list[Row]:
        """Give them out; those that nobody had until now, as they are from now on."""
        return await self.tx.fetch(
            """
            WITH free AS (
                SELECT c.id FROM conversations AS c
                WHERE c.id = ANY ($2) AND c.organization_id = $1 AND c.state = 'open' AND c.assignee_id IS NULL
                ORDER BY c.id FOR UPDATE
            )
            UPDATE conversations AS c
            SET assignee_id = g.user_id, queued_at = NULL, version = c.version + 1, changed_at = kit_now()
            FROM free JOIN unnest($2::uuid[], $3::uuid[]) AS g (id, user_id) ON g.id = free.id
            WHERE c.id = free.id
            RETURNING c.id, c.organization_id, c.state, c.assignee_id, c.unread_count, c.version, c.team_id,
                      c.priority
            """,
            self.tx.organization_id,
            [each.conversation_id for each in given],
            [each.user_id for each in given],
        )

    async def take_back(self, users: Collection[UUID], queue_ids: Collection[UUID], at_most: int) -> list[Row]:
        """Take open conversations of these queues from these users, as many at once; as they are from now on."""
        return await self.tx.fetch(
            """
            WITH held AS (
                SELECT c.id FROM conversations AS c
                WHERE c.organization_id = $1 AND c.assignee_id = ANY ($2) AND c.state = 'open'
                  AND coalesce(c.team_id, c.channel_id) = ANY ($3)
                ORDER BY c.id LIMIT $4 FOR UPDATE
            )
            UPDATE conversations AS c
            SET assignee_id = NULL, queued_at = kit_now(), version = c.version + 1, changed_at = kit_now()
            FROM held WHERE c.id = held.id
            RETURNING c.id, c.organization_id, c.state, c.assignee_id, c.unread_count, c.version, c.team_id,
                      c.priority
            """,
            self.tx.organization_id,
            list(users),
            list(queue_ids),
            at_most,
        )

    async def note_turns(self, turns: Mapping[UUID, int]) -> None:
        """Write when each was last given one."""
        await self.tx.execute(
            """
            INSERT INTO agents (organization_id, user_id, turn)
            SELECT $1, user_id, turn FROM unnest($2::uuid[], $3::bigint[]) AS t (user_id, turn) ORDER BY user_id
            ON CONFLICT (organization_id, user_id) DO UPDATE SET turn = excluded.turn
            """,
            self.tx.organization_id,
            list(turns),
            list(turns.values()),
        )

    async def served(self, turn: int, look_at: datetime | None) -> None:
        """It is the others' turn now."""
        await self.tx.execute(
            """
            UPDATE assignment_turns SET turn = $2, look_at = $3, served_at = kit_now() WHERE organization_id = $1
            """,
            self.tx.organization_id,
            turn,
            look_at,
        )


@dataclass(frozen=True, slots=True)
class PersonsStanding:
    """How one user stands, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """What is kept of it."""
        return await self.tx.fetch(
            """
            SELECT organization_id, user_id, availability, said_at, seen_until, capacity FROM agents
            WHERE user_id = $1 AND organization_id = ANY ($2) ORDER BY organization_id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def delete(self, user_id: UUID) -> int:
        """Let go of it."""
        return await self.tx.execute(
            "DELETE FROM agents WHERE user_id = $1 AND organization_id = ANY ($2)", user_id, self.tx.organization_ids
        )


def by_id(found: Sequence[Queue]) -> dict[UUID, Queue]:
    """Queues by what they are of."""
    return {queue.id: queue for queue in found}


def _agent(row: Row) -> Agent:
    return Agent(
        user_id=row["user_id"],
        availability=row["availability"],
        connected=row["connected"],
        capacity=row["capacity"],
        open=row["open"],
        turn=row["turn"],
        teams=frozenset(row["teams"]),
        hidden=frozenset(row["hidden"]),
        gone_since=row["gone_since"],
    )
