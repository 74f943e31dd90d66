from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from inbox.channels.errors import ChannelNotFound
from inbox.channels.viewing.narrowing import SEE_ALL
from inbox.members.model import ANSWERING
from kit.db.database import Database, Row, Transaction

Seen = Literal["everyone", "chosen"]


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who sees a channel; chosen teams and users see it beside owners and admins."""

    channel_id: UUID
    visible_to: Seen
    version: int = 1
    team_ids: Collection[UUID] = field(default=())
    user_ids: Collection[UUID] = field(default=())


@dataclass(frozen=True, slots=True)
class ViewingRepository:
    """Who sees the channels of the organizations that the transaction is bound to."""

    tx: Transaction

    async def find(self, channel_id: UUID, *, for_update: bool = False) -> Visibility:
        """Who sees a channel; for update, it stays as it is until we commit.

        Raises:
            ChannelNotFound: there is none, or the caller does not see it.
        """
        lock = "FOR UPDATE OF c" if for_update else ""
        row = await self.tx.fetchrow(
            f"""
            SELECT c.id, c.visible_to, c.version,
                   ARRAY(SELECT viewer_id FROM channel_viewers
                         WHERE channel_id = c.id AND kind = 'team' ORDER BY viewer_id) AS team_ids,
                   ARRAY(SELECT viewer_id FROM channel_viewers
                         WHERE channel_id = c.id AND kind = 'user' ORDER BY viewer_id) AS user_ids
            FROM channels AS c WHERE c.id = $1 AND c.organization_id = $2 {lock}
            """,  # noqa: S608 - one of two
            channel_id,
            self.tx.organization_id,
        )
        if row is None:
            raise ChannelNotFound
        return Visibility(row["id"], row["visible_to"], row["version"], row["team_ids"], row["user_ids"])

    async def save(self, wanted: Visibility) -> int:
        """Write who sees a channel; its new version. Who no longer does gives back what they have by and by.

        Raises:
            ChannelNotFound: there is none.
        """
        version: int | None = await self.tx.fetchval(
            """
            UPDATE channels
            SET visible_to = $3, release_due = $3 = 'chosen', version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2 RETURNING version
            """,
            wanted.channel_id,
            self.tx.organization_id,
            wanted.visible_to,
        )
        if version is None:
            raise ChannelNotFound
        await self.tx.execute("DELETE FROM channel_viewers WHERE channel_id = $1", wanted.channel_id)
        await self.tx.execute(
            """
            INSERT INTO channel_viewers (channel_id, organization_id, kind, viewer_id)
            SELECT $1::uuid, $2::uuid, 'team', unnest($3::uuid[])
            UNION ALL SELECT $1::uuid, $2::uuid, 'user', unnest($4::uuid[])
            """,
            wanted.channel_id,
            self.tx.organization_id,
            list(wanted.team_ids),
            list(wanted.user_ids),
        )
        return version

    async def teams_missing(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Those of these that are no team here; the others stay until we commit."""
        rows = await self.tx.fetch(
            """
            SELECT team_id FROM teams WHERE organization_id = $1 AND team_id = ANY ($2) AND NOT gone
            ORDER BY team_id FOR SHARE
            """,
            self.tx.organization_id,
            list(team_ids),
        )
        return set(team_ids) - {row["team_id"] for row in rows}

    async def users_missing(self, user_ids: Collection[UUID]) -> set[UUID]:
        """Those of these who do not work on conversations here; the others stay members until we commit."""
        rows = await self.tx.fetch(
            """
            SELECT user_id FROM members WHERE organization_id = $1 AND user_id = ANY ($2) AND role = ANY ($3)
            ORDER BY member_id FOR SHARE
            """,
            self.tx.organization_id,
            list(user_ids),
            ANSWERING,
        )
        return set(user_ids) - {row["user_id"] for row in rows}

    async def sees(self, user_id: UUID, conversation_id: UUID) -> bool:
        """Whether somebody sees the channel of a conversation; who sees it stays as it is until we commit."""
        channel_id = await self.tx.fetchval(
            """
            SELECT c.id FROM channels AS c
            WHERE c.id = (SELECT channel_id FROM conversations WHERE id = $1 AND organization_id = $2)
              AND c.visible_to = 'chosen'
            FOR SHARE
            """,
            conversation_id,
            self.tx.organization_id,
        )
        if channel_id is None:
            return True
        hidden: bool = await self.tx.fetchval(
            """
            SELECT $1 = ANY (channels_hidden_from($2)) AND NOT EXISTS (
                SELECT FROM members WHERE organization_id = $3 AND user_id = $2 AND role = ANY ($4)
            )
            """,
            channel_id,
            user_id,
            self.tx.organization_id,
            list(SEE_ALL),
        )
        return not hidden

    async def hold_giving(self) -> None:
        """Nobody gives out conversations of this organization until we commit."""
        await self.tx.execute(
            "SELECT FROM assignment_turns WHERE organization_id = $1 FOR UPDATE", self.tx.organization_id
        )

    async def reviewed(self, team_ids: Collection[UUID]) -> list[Row]:
        """Channels that these teams see are seen by others from now on; which, as they are now."""
        return await self.tx.fetch(
            """
            UPDATE channels SET release_due = true, version = version + 1, changed_at = kit_now()
            WHERE organization_id = ANY ($1) AND visible_to = 'chosen' AND id IN (
                SELECT channel_id FROM channel_viewers WHERE kind = 'team' AND viewer_id = ANY ($2)
            )
            RETURNING id, organization_id, version
            """,
            self.tx.organization_ids,
            list(team_ids),
        )

    async def look_again(self) -> None:
        """Somebody may have become one who does not see all."""
        await self.tx.execute(
            """
            UPDATE channels SET release_due = true
            WHERE organization_id = ANY ($1) AND visible_to = 'chosen' AND NOT release_due
            """,
            self.tx.organization_ids,
        )

    async def forget_teams(self, team_ids: Collection[UUID]) -> None:
        """Teams that are gone see nothing."""
        await self.tx.execute(
            "DELETE FROM channel_viewers WHERE kind = 'team' AND viewer_id = ANY ($1) AND organization_id = ANY ($2)",
            list(team_ids),
            self.tx.organization_ids,
        )

    async def forget_users(self, users: Sequence[tuple[UUID, UUID]]) -> None:
        """These (organization, user) are no members any more."""
        await self.tx.execute(
            """
            DELETE FROM channel_viewers AS v USING unnest($1::uuid[], $2::uuid[]) AS gone (organization_id, user_id)
            WHERE v.organization_id = gone.organization_id AND v.viewer_id = gone.user_id AND v.kind = 'user'
            """,
            [organization_id for organization_id, _ in users],
            [user_id for _, user_id in users],
        )


@dataclass(frozen=True, slots=True)
class ReleaseRepository:
    """Conversations of people who no longer see their channel."""

    tx: Transaction

    async def next(self) -> tuple[UUID, UUID] | None:
        """A channel on which there may be such, and its organization."""
        row = await self.tx.fetchrow("SELECT id, organization_id FROM channel_to_release()")
        return None if row is None else (row["id"], row["organization_id"])

    async def lock(self, channel_id: UUID) -> bool:
        """Let who sees it stay as it is until we commit; False when another process is at it, or has been."""
        found = await self.tx.fetchval(
            """
            SELECT true FROM channels WHERE id = $1 AND organization_id = $2 AND release_due FOR UPDATE SKIP LOCKED
            """,
            channel_id,
            self.tx.organization_id,
        )
        return bool(found)

    async def release(self, channel_id: UUID, at_most: int) -> list[Row]:
        """Assign to nobody what somebody has who does not see it, as many at once; those that were."""
        return await self.tx.fetch(
            """
            WITH blind AS MATERIALIZED (
                SELECT DISTINCT m.user_id FROM members AS m
                WHERE m.organization_id = $1 AND m.role = ANY ($3) AND m.user_id IS NOT NULL
                  AND $2 = ANY (channels_hidden_from(m.user_id))
                  AND NOT EXISTS (SELECT FROM members AS a
                                  WHERE a.organization_id = $1 AND a.user_id = m.user_id AND a.role = ANY ($4))
            ), held AS (
                SELECT c.id FROM conversations AS c JOIN blind ON c.assignee_id = blind.user_id
                WHERE c.organization_id = $1 AND c.channel_id = $2
                ORDER BY c.id LIMIT $5 FOR UPDATE OF c
            )
            UPDATE conversations AS c
            SET assignee_id = NULL, version = c.version + 1, changed_at = kit_now(),
                queued_at = CASE WHEN c.state = 'open' THEN kit_now() END
            FROM held WHERE c.id = held.id
            RETURNING c.id, c.organization_id, c.state, c.assignee_id, c.unread_count, c.version, c.team_id,
                      c.priority
            """,
            self.tx.organization_id,
            channel_id,
            ANSWERING,
            list(SEE_ALL),
            at_most,
        )

    async def done(self, channel_id: UUID) -> None:
        """Nobody has any more."""
        await self.tx.execute(
            "UPDATE channels SET release_due = false WHERE id = $1 AND organization_id = $2",
            channel_id,
            self.tx.organization_id,
        )


@dataclass(frozen=True, slots=True)
class PersonsViews:
    """The channels that one user was chosen to see, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """What is kept of them."""
        return await self.tx.fetch(
            """
            SELECT organization_id, channel_id FROM channel_viewers
            WHERE viewer_id = $1 AND kind = 'user' AND organization_id = ANY ($2) ORDER BY channel_id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def delete(self, user_id: UUID) -> int:
        """Let go of them; how many."""
        return await self.tx.execute(
            "DELETE FROM channel_viewers WHERE viewer_id = $1 AND kind = 'user' AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )


async def viewers_of(
    tx: Transaction, organization_ids: Collection[UUID], ids: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """Who beside owners and admins sees these channels and conversations; those that everyone sees are left out."""
    rows = await tx.fetch("SELECT id, viewers FROM viewers_of($1, $2)", list(organization_ids), list(ids))
    return {row["id"]: row["viewers"] for row in rows}


async def seeing(database: Database, organization_id: UUID, conversation_id: UUID) -> list[UUID] | None:
    """Who beside owners and admins sees a conversation; None for everyone, also where there is no such one."""
    async with database.transaction() as tx:
        return (await viewers_of(tx, [organization_id], [conversation_id])).get(conversation_id)
