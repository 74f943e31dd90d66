from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from auth.delegations.model import Assignment, Because, Delegation, DelegationState, Side
from auth.members.permissions import Role
from kit.db.database import Row, Transaction
from kit.ids import new_id

_COLUMNS = """
    id, organization_id, agency_id, roles, ends_at, granted_at, version, created_at,
    CASE WHEN state <> 'ended' AND ends_at <= kit_now() THEN 'ended' ELSE state END AS state,
    CASE WHEN state <> 'ended' AND ends_at <= kit_now() THEN 'expired' ELSE ended_because END AS ended_because
"""
_OWN = {"client": "organization_id", "agency": "agency_id"}


@dataclass(frozen=True, slots=True)
class DelegationRepository:
    """Delegations of the organization the transaction is bound to, on the side that is named."""

    tx: Transaction

    async def is_there(self, organization_id: UUID) -> bool:
        """Whether there is such an organization; the transaction must be bound to it, too."""
        return bool(await self.tx.fetchval("SELECT true FROM organizations WHERE id = $1", organization_id))

    async def add(self, made: Delegation) -> bool:
        """Propose one; False while the two have one that has not ended."""
        touched = await self.tx.execute(
            """
            INSERT INTO delegations (id, organization_id, agency_id, roles, state, ends_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (organization_id, agency_id) WHERE state <> 'ended' DO NOTHING
            """,
            made.id,
            made.organization_id,
            made.agency_id,
            list(made.roles),
            made.state,
            made.ends_at,
        )
        return touched == 1

    async def count_proposals(self, side: Side, organization_id: UUID) -> int:
        """How many this side has proposed that wait for an answer."""
        count: int = await self.tx.fetchval(
            f"""
            SELECT count(*) FROM delegations
            WHERE {_OWN[side]} = $1 AND state = $2 AND ends_at > kit_now()
            """,  # noqa: S608 - ours
            organization_id,
            DelegationState.OFFERED if side == "client" else DelegationState.ASKED,
        )
        return count

    async def find(self, side: Side, organization_id: UUID, delegation_id: UUID) -> Delegation | None:
        """One delegation."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM delegations WHERE {_OWN[side]} = $1 AND id = $2",  # noqa: S608 - ours
            organization_id,
            delegation_id,
        )
        return None if row is None else _delegation(row)

    async def lock(self, side: Side, organization_id: UUID, delegation_id: UUID) -> Delegation | None:
        """One for update; other changes of it wait until we commit."""
        await self.tx.execute(
            f"SELECT FROM delegations WHERE {_OWN[side]} = $1 AND id = $2 FOR UPDATE",
            organization_id,
            delegation_id,
        )
        return await self.find(side, organization_id, delegation_id)

    async def page(self, side: Side, organization_id: UUID, after: UUID | None, at_most: int) -> list[Delegation]:
        """Delegations in the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM delegations WHERE {_OWN[side]} = $1 AND id > $2 ORDER BY id LIMIT $3
            """,  # noqa: S608 - ours
            organization_id,
            after or UUID(int=0),
            at_most,
        )
        return [_delegation(row) for row in rows]

    async def named(self, side: Side, delegations: Sequence[Delegation]) -> list[Delegation]:
        """The delegations with what the other side is called, where it may be told; binds the transaction to it."""
        others = {each.other(side) for each in delegations if each.names_other(side)}
        if not others:
            return list(delegations)
        await self.tx.bind(*others)
        rows = await self.tx.fetch("SELECT id, name FROM organizations WHERE id = ANY ($1)", list(others))
        names = {row["id"]: row["name"] for row in rows}
        return [
            replace(each, name=names.get(each.other(side)) if each.names_other(side) else None)
            for each in delegations
        ]

    async def grant(self, delegation_id: UUID) -> None:
        """Let it be in force from now on."""
        await self.tx.execute(
            """
            UPDATE delegations SET state = 'active', granted_at = kit_now(), version = version + 1
            WHERE id = $1 AND state IN ('asked', 'offered')
            """,
            delegation_id,
        )

    async def end(self, delegation_id: UUID, because: Because) -> int | None:
        """End it; the new version, or None when it had ended before."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE delegations SET state = 'ended', ended_because = $2, version = version + 1
            WHERE id = $1 AND state <> 'ended'
            RETURNING version
            """,
            delegation_id,
            because,
        )
        return version

    async def end_expired(self, organization_id: UUID, agency_id: UUID) -> None:
        """One of these two that has expired, and that no loop has marked yet, is not in the way of another."""
        await self.tx.execute(
            """
            UPDATE delegations SET state = 'ended', ended_because = 'expired', version = version + 1
            WHERE organization_id = $1 AND agency_id = $2 AND state IN ('asked', 'offered') AND ends_at <= kit_now()
            """,
            organization_id,
            agency_id,
        )

    async def raise_version(self, delegation_id: UUID) -> int:
        """Who is sent has changed; the new version."""
        version: int = await self.tx.fetchval(
            "UPDATE delegations SET version = version + 1 WHERE id = $1 RETURNING version", delegation_id
        )
        return version


@dataclass(frozen=True, slots=True)
class AssignmentRepository:
    """Whom an agency sends; the transaction must be bound to the agency."""

    tx: Transaction

    async def of(self, delegation_id: UUID) -> list[Assignment]:
        """Those of one delegation."""
        rows = await self.tx.fetch(
            "SELECT role, member_id, team_id FROM delegation_assignments WHERE delegation_id = $1 ORDER BY id",
            delegation_id,
        )
        return [Assignment(Role(row["role"]), row["member_id"], row["team_id"]) for row in rows]

    async def put(self, delegation_id: UUID, agency_id: UUID, wanted: Sequence[Assignment]) -> int:
        """Send these and nobody else; how many of them are members or teams of the agency, or everybody."""
        await self.tx.execute("DELETE FROM delegation_assignments WHERE delegation_id = $1", delegation_id)
        return await self.tx.execute(
            """
            INSERT INTO delegation_assignments (id, delegation_id, agency_id, member_id, team_id, role)
            SELECT wanted.id, $1, $2, wanted.member_id, wanted.team_id, wanted.role
            FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[]) AS wanted (id, member_id, team_id, role)
            WHERE (wanted.member_id IS NULL
                   OR EXISTS (SELECT FROM members WHERE organization_id = $2 AND id = wanted.member_id))
              AND (wanted.team_id IS NULL
                   OR EXISTS (SELECT FROM teams WHERE organization_id = $2 AND id = wanted.team_id))
            """,
            delegation_id,
            agency_id,
            [new_id() for _ in wanted],
            [each.member_id for each in wanted],
            [each.team_id for each in wanted],
            [each.role for each in wanted],
        )

    async def users_of(self, delegation_id: UUID) -> list[UUID]:
        """The users who are sent."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT m.user_id
            FROM delegation_assignments AS a JOIN members AS m ON m.organization_id = a.agency_id AND (
                a.member_id = m.id
                OR a.team_id IN (SELECT t.team_id FROM team_members AS t WHERE t.member_id = m.id)
                OR (a.member_id IS NULL AND a.team_id IS NULL)
            )
            WHERE a.delegation_id = $1
            ORDER BY m.user_id
            """,
            delegation_id,
        )
        return [row["user_id"] for row in rows]

    async def delegations_of_team(self, team_id: UUID) -> list[Row]:
        """The delegations in force that send a team."""
        return await self.tx.fetch(
            """
            SELECT d.id, d.organization_id
            FROM delegation_assignments AS a JOIN delegations AS d ON d.id = a.delegation_id AND d.state = 'active'
            WHERE a.team_id = $1
            ORDER BY d.id
            """,
            team_id,
        )

    async def delegations_of_member(self, member_id: UUID) -> list[Row]:
        """The delegations in force that send a member."""
        return await self.tx.fetch(
            """
            SELECT DISTINCT d.id, d.organization_id
            FROM members AS m
            JOIN delegations AS d ON d.agency_id = m.organization_id AND d.state = 'active'
            JOIN delegation_assignments AS a ON a.delegation_id = d.id AND (
                a.member_id = m.id
                OR a.team_id IN (SELECT t.team_id FROM team_members AS t WHERE t.member_id = m.id)
                OR (a.member_id IS NULL AND a.team_id IS NULL)
            )
            WHERE m.id = $1
            ORDER BY d.id
            """,
            member_id,
        )


@dataclass(frozen=True, slots=True)
class PersonsAssignments:
    """Where agencies send one user, of all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """By which agency, in which role."""
        return await self.tx.fetch(
            """
            SELECT a.agency_id, a.delegation_id, a.role
            FROM members AS m JOIN delegation_assignments AS a ON a.member_id = m.id
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2)
            ORDER BY a.id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def delete(self, user_id: UUID) -> int:
        """Send them nowhere any more."""
        return await self.tx.execute(
            """
            DELETE FROM delegation_assignments AS a USING members AS m
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2) AND a.member_id = m.id
            """,
            user_id,
            self.tx.organization_ids,
        )


async def due(tx: Transaction, at_most: int) -> list[tuple[UUID, UUID, UUID]]:
    """Delegations of all organizations whose time is over and that are not marked so: id, client, agency."""
    rows = await tx.fetch("SELECT id, organization_id, agency_id FROM delegations_due($1)", at_most)
    return [(row["id"], row["organization_id"], row["agency_id"]) for row in rows]


def made(  # noqa: PLR0917 - what a delegation is made of
    client: UUID, agency: UUID, roles: Sequence[Role], state: DelegationState, ends_at: datetime, now: datetime
) -> Delegation:
    """A proposal."""
    ordered = tuple(sorted(set(roles), key=list(Role).index))
    return Delegation(new_id(), client, agency, ordered, state, ends_at, None, None, 1, now)


def _delegation(row: Row) -> Delegation:
    fields = {
        "roles": tuple(Role(role) for role in row["roles"]),
        "state": DelegationState(row["state"]),
    }
    return Delegation(**{**row, **fields})
