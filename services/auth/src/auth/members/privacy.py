from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.delegations.ending import member_leaves
from auth.delegations.repository import PersonsAssignments
from auth.eligibility.repository import PersonsClaims
from auth.members.repository import PersonsMemberships, organizations_of
from auth.onboarding.repository import PersonsOnboardings
from auth.ownership.ending import tell_withdrawn
from auth.ownership.repository import PersonsTransfers
from auth.sessions.revoking import void_tokens
from auth.teams.repository import PersonsTeams
from contracts.auth import MemberRemoved
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction
from kit.privacy.holding import Blocked, Erased, File, Rows
from kit.privacy.person import Person


@dataclass(frozen=True, slots=True)
class MemberHolding:
    """Where a user belongs. To be erased first: only here it can turn out that they cannot go yet."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset(
        {
            "members",
            "ownership_transfers",
            "team_members",
            "delegation_assignments",
            "onboardings",
            "subscription_claims",
        }
    )

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Their memberships and teams, since when, and what organizations they offered or were offered."""
        if person.kind == "user" and organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsMemberships(tx).all(person.id)
                offers = await PersonsTransfers(tx).all(person.id)
                teams = await PersonsTeams(tx).all(person.id)
                sent = await PersonsAssignments(tx).all(person.id)
                steps = await PersonsOnboardings(tx).all(person.id)
                claims = await PersonsClaims(tx).all(person.id)
            yield Rows("members", [dict(row) for row in rows])
            yield Rows("ownership_transfers", [dict(row) for row in offers])
            yield Rows("team_members", [dict(row) for row in teams])
            yield Rows("delegation_assignments", [dict(row) for row in sent])
            yield Rows("onboardings", [dict(row) for row in steps])
            yield Rows("subscription_claims", [dict(row) for row in claims])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They leave every organization, and no token of theirs speaks of one any more.

        Raises:
            Blocked: an organization would be left without an owner.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        memberships = PersonsMemberships(tx)
        theirs = await memberships.lock(person.id)
        if await memberships.is_last_owner(person.id, theirs):
            raise Blocked("last_owner")
        offers = await PersonsTransfers(tx).delete(person.id)
        for row in offers:
            if row["state"] == "pending":
                await tell_withdrawn(tx, row["organization_id"], row["id"], row["version"] + 1, SYSTEM)
        for member_id in await memberships.ids(person.id, theirs):
            await member_leaves(tx, member_id)
        assignments = await PersonsAssignments(tx).delete(person.id)
        places = await PersonsTeams(tx).delete(person.id)
        steps = await PersonsOnboardings(tx).delete(person.id)
        claims = await PersonsClaims(tx).unlink(person.id)
        ended = await memberships.delete(person.id, theirs)
        for row in ended:
            organization_id, version = row["organization_id"], row["version"] + 1
            await tx.emit(
                MemberRemoved(
                    organization_id=organization_id, member_id=row["id"], user_id=person.id, version=version
                ),
                audited(
                    "auth.member.removed",
                    SYSTEM,
                    "member",
                    row["id"],
                    organization_id=organization_id,
                    role=row["role"],
                ),
            )
        if ended:
            await void_tokens(tx, person.id)
        removed = {
            "members": len(ended),
            "ownership_transfers": len(offers),
            "team_members": places,
            "delegation_assignments": assignments,
            "onboardings": steps,
        }
        return Erased(removed=removed, unlinked={"subscription_claims": claims})


async def known_in(tx: Transaction, person: Person) -> Sequence[UUID]:
    """The organizations that know a user."""
    return await organizations_of(tx, person.id) if person.kind == "user" else ()
