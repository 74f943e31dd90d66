from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.teams.model import Team, TeamMember, compared
from kit.db.database import Row, Transaction

_TEAM = """
    SELECT t.id, t.name, t.version, t.created_at,
           (SELECT count(*) FROM team_members AS m WHERE m.team_id = t.id) AS members
    FROM teams AS t
"""


@dataclass(frozen=True, slots=True)
class TeamRepository:
    """The teams of the transaction's organization."""

    tx: Transaction

    async def add(self, team_id: UUID, name: str) -> bool:
        """Make a team; False when the name is taken."""
        touched = await self.tx.execute(
            """
            INSERT INTO teams (id, organization_id, name, name_key) VALUES ($1, $2, $3, $4)
            ON CONFLICT (organization_id, name_key) DO NOTHING
            """,
            team_id,
            self.tx.organization_id,
            name,
            compared(name),
        )
        return touched == 1

    async def count(self) -> int:
        """How many there are."""
        count: int = await self.tx.fetchval(
            "SELECT count(*) FROM teams WHERE organization_id = $1", self.tx.organization_id
        )
        return count

    async def find(self, team_id: UUID) -> Team | None:
        """One team."""
        row = await self.tx.fetchrow(
            f"{_TEAM} WHERE t.organization_id = $1 AND t.id = $2", self.tx.organization_id, team_id
        )
        return None if row is None else Team(**row)

    async def lock(self, team_id: UUID) -> Team | None:
        """One team for update; other changes of it wait until we commit."""
        await self.tx.execute(
            "SELECT FROM teams WHERE organization_id = $1 AND id = $2 FOR UPDATE", self.tx.organization_id, team_id
        )
        return await self.find(team_id)

    async def page(self, after: UUID | None, at_most: int) -> list[Team]:
        """Teams in the order of their ids."""
        rows = await self.tx.fetch(
            f"{_TEAM} WHERE t.organization_id = $1 AND t.id > $2 ORDER BY t.id LIMIT $3",
            self.tx.organization_id,
            after or UUID(int=0),
            at_most,
        )
        return [Team(**row) for row in rows]

    async def rename(self, team_id: UUID, name: str) -> bool:
        """Write another name; False when it is taken."""
        touched = await self.tx.execute(
            """
            UPDATE teams AS t SET name = $3, name_key = $4, version = version + 1
            WHERE t.organization_id = $1 AND t.id = $2 AND NOT EXISTS (
                SELECT FROM teams AS other WHERE other.organization_id = $1 AND other.name_key = $4 AND other.id <> $2
            )
            """,
            self.tx.organization_id,
            team_id,
            name,
            compared(name),
        )
        return touched == 1

    async def raise_version(self, team_id: UUID) -> None:
        """Who is in it has changed."""
        await self.tx.execute(
            "UPDATE teams SET version = version + 1 WHERE organization_id = $1 AND id = $2",
            self.tx.organization_id,
            team_id,
        )

    async def delete(self, team_id: UUID) -> None:
        """Delete a team, and who is in it."""
        await self.tx.execute(
            "DELETE FROM teams WHERE organization_id = $1 AND id = $2", self.tx.organization_id, team_id
        )


@dataclass(frozen=True, slots=True)
class TeamMemberRepository:
    """Who is in the teams of the transaction's organization."""

    tx: Transaction

    async def page(self, team_id: UUID, after: UUID | None, at_most: int) -> list[TeamMember]:
        """The members of a team in the order of their ids."""
        rows = await self.tx.fetch(
            """
            SELECT t.member_id, m.user_id, t.added_at
            FROM team_members AS t JOIN members AS m ON m.id = t.member_id
            WHERE t.organization_id = $1 AND t.team_id = $2 AND t.member_id > $3
            ORDER BY t.member_id
            LIMIT $4
            """,
            self.tx.organization_id,
            team_id,
            after or UUID(int=0),
            at_most,
        )
        return [TeamMember(**row) for row in rows]

    async def users(self, team_id: UUID) -> list[UUID]:
        """The users who are in a team."""
        rows = await self.tx.fetch(
            """
            SELECT m.user_id FROM team_members AS t JOIN members AS m ON m.id = t.member_id
            WHERE t.organization_id = $1 AND t.team_id = $2
            """,
            self.tx.organization_id,
            team_id,
        )
        return [row["user_id"] for row in rows]

    async def hold(self, member_ids: Sequence[UUID]) -> int:
        """How many of these are members, who stay so until we commit."""
        rows = await self.tx.fetch(
            "SELECT FROM members WHERE organization_id = $1 AND id = ANY ($2) FOR KEY SHARE",
            self.tx.organization_id,
            list(member_ids),
        )
        return len(rows)

    async def add(self, team_id: UUID, member_ids: Sequence[UUID]) -> list[UUID]:
        """Bring members in; the users who were not in it before."""
        rows = await self.tx.fetch(
            """
            WITH added AS (
                INSERT INTO team_members (team_id, member_id, organization_id)
                SELECT $2, m.id, $1 FROM members AS m WHERE m.organization_id = $1 AND m.id = ANY ($3)
                ON CONFLICT DO NOTHING
                RETURNING member_id
            )
            SELECT m.user_id FROM added JOIN members AS m ON m.id = added.member_id ORDER BY m.user_id
            """,
            self.tx.organization_id,
            team_id,
            list(member_ids),
        )
        return [row["user_id"] for row in rows]

    async def remove(self, team_id: UUID, member_ids: Sequence[UUID]) -> list[UUID]:
        """Take members out; the users who were in it before."""
        rows = await self.tx.fetch(
            """
            DELETE FROM team_members AS t USING members AS m
            WHERE t.organization_id = $1 AND t.team_id = $2 AND t.member_id = ANY ($3) AND m.id = t.member_id
            RETURNING m.user_id
            """,
            self.tx.organization_id,
            team_id,
            list(member_ids),
        )
        return sorted(row["user_id"] for row in rows)


@dataclass(frozen=True, slots=True)
class PersonsTeams:
    """The teams one user is in, of all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """Which, and since when."""
        return await self.tx.fetch(
            """
            SELECT t.organization_id, t.team_id, teams.name AS team, t.added_at
            FROM members AS m JOIN team_members AS t ON t.member_id = m.id JOIN teams ON teams.id = t.team_id
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2)
            ORDER BY t.organization_id, t.team_id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def delete(self, user_id: UUID) -> int:
        """Take them out of all."""
        return await self.tx.execute(
            """
            DELETE FROM team_members AS t USING members AS m
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2) AND t.member_id = m.id
            """,
            user_id,
            self.tx.organization_ids,
        )
