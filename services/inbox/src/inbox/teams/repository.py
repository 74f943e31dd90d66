from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.auth import TeamCreated, TeamDeleted, TeamMembersChanged, TeamRenamed
from kit.db.database import Row, Transaction

Told = TeamCreated | TeamRenamed | TeamMembersChanged | TeamDeleted


@dataclass(frozen=True, slots=True)
class TeamRepository:
    """Teams as auth tells them, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def settle(self, told: Sequence[Told]) -> None:
        """Know each team from any event of it; one that is gone stays so, whatever comes late."""
        await self.tx.execute(
            """
            INSERT INTO teams (team_id, organization_id, gone, version)
            SELECT team_id, min(organization_id::text)::uuid, bool_or(gone), max(version)
            FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::bigint[])
                AS heard (team_id, organization_id, gone, version)
            GROUP BY team_id
            ORDER BY team_id
            ON CONFLICT (team_id) DO UPDATE
            SET gone = teams.gone OR excluded.gone, version = greatest(teams.version, excluded.version)
            WHERE (excluded.gone AND NOT teams.gone) OR excluded.version > teams.version
            """,
            [each.team_id for each in told],
            [each.organization for each in told],
            [isinstance(each, TeamDeleted) for each in told],
            [each.version for each in told],
        )

    async def settle_members(self, told: Sequence[TeamMembersChanged]) -> None:
        """Write of each user and team what the newest event tells; what is not newer than the row changes nothing."""
        rows = [
            (each.team_id, user_id, each.organization, present, each.version)
            for each in told
            for present, users in ((True, each.added), (False, each.removed))
            for user_id in users
        ]
        await self.tx.execute(
            """
            INSERT INTO team_members (team_id, user_id, organization_id, present, version)
            SELECT DISTINCT ON (team_id, user_id) team_id, user_id, organization_id, present, version
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[], $5::bigint[])
                AS heard (team_id, user_id, organization_id, present, version)
            ORDER BY team_id, user_id, version DESC
            ON CONFLICT (team_id, user_id) DO UPDATE SET present = excluded.present, version = excluded.version
            WHERE team_members.version < excluded.version
            """,
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows],
            [row[3] for row in rows],
            [row[4] for row in rows],
        )

    async def leave(self, users: Sequence[tuple[UUID, UUID]]) -> None:
        """These (organization, user) are no members any more, and in no team either: of that auth tells no more."""
        await self.tx.execute(
            """
            UPDATE team_members AS t SET present = false
            FROM unnest($1::uuid[], $2::uuid[]) AS gone (organization_id, user_id)
            WHERE t.organization_id = gone.organization_id AND t.user_id = gone.user_id AND t.present
            """,
            [organization_id for organization_id, _ in users],
            [user_id for _, user_id in users],
        )

    async def stands(self, team_id: UUID) -> bool:
        """Whether there is this team; if so it stays until we commit."""
        rows = await self.tx.fetch(
            "SELECT FROM teams WHERE team_id = $1 AND organization_id = $2 AND NOT gone FOR SHARE",
            team_id,
            self.tx.organization_id,
        )
        return bool(rows)


@dataclass(frozen=True, slots=True)
class PersonsTeams:
    """The teams of one user, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """What is kept of them."""
        return await self.tx.fetch(
            """
            SELECT organization_id, team_id, present FROM team_members
            WHERE user_id = $1 AND organization_id = ANY ($2) ORDER BY team_id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def delete(self, user_id: UUID) -> int:
        """Let go of them; how many."""
        return await self.tx.execute(
            "DELETE FROM team_members WHERE user_id = $1 AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )
