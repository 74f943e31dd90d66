from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.delegations.ending import clients_of_team, sent_otherwise
from auth.members.acting import insist
from auth.members.repository import MemberRepository
from auth.teams.errors import NotAllMembers, TeamNameTaken, TeamNotFound, TooManyTeams
from auth.teams.model import MOST_TEAMS, Team, TeamMember
from auth.teams.repository import TeamMemberRepository, TeamRepository
from contracts.auth import TeamCreated, TeamDeleted, TeamMembersChanged, TeamRenamed
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class TeamService:
    """Named groups of members. Who leaves the organization leaves its teams by that, without a word of its own."""

    database: Database

    async def create(self, organization_id: UUID, name: str, caller: Caller, key: Idempotency) -> Team:
        """A new team with nobody in it."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "teams.manage")
            earlier = await key.claim(tx)
            if earlier is not None:
                return await _found(tx, earlier.resource_id)
            await MemberRepository(tx).lock_organization()
            teams, team_id = TeamRepository(tx), new_id()
            if await teams.count() >= MOST_TEAMS:
                raise TooManyTeams
            if not await teams.add(team_id, name):
                raise TeamNameTaken
            await key.remember(tx, team_id, 1)
            await tx.emit(TeamCreated(team_id=team_id), audited("auth.team.created", caller, "team", team_id))
            return await _found(tx, team_id)

    async def page(self, organization_id: UUID, caller: Caller, page: PageRequest) -> tuple[list[Team], str | None]:
        """A page of teams and the next cursor."""
        after = page.after(UUID)
        async with self.database.snapshot(organization_id) as tx:
            await insist(tx, caller, "teams.read")
            rows = await TeamRepository(tx).page(after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda team: (team.id,))

    async def read(self, organization_id: UUID, team_id: UUID, caller: Caller) -> Team:
        """One team."""
        async with self.database.snapshot(organization_id) as tx:
            await insist(tx, caller, "teams.read")
            return await _found(tx, team_id)

    async def rename(
        self, organization_id: UUID, team_id: UUID, name: str, caller: Caller, expected: Condition
    ) -> Team:
        """Give a team another name; the same name again changes nothing."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "teams.manage")
            await MemberRepository(tx).lock_organization()
            held = await _locked(tx, team_id)
            expected.check(held.version)
            if held.name == name:
                return held
            if not await TeamRepository(tx).rename(team_id, name):
                raise TeamNameTaken
            await tx.emit(
                TeamRenamed(team_id=team_id, version=held.version + 1),
                audited("auth.team.renamed", caller, "team", team_id),
            )
            return await _found(tx, team_id)

    async def delete(self, organization_id: UUID, team_id: UUID, caller: Caller) -> None:
        """Delete a team; its members stay what they are."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "teams.manage")
            held = await _locked(tx, team_id)
            users, clients = await TeamMemberRepository(tx).users(team_id), await clients_of_team(tx, team_id)
            await TeamRepository(tx).delete(team_id)
            await tx.emit(
                TeamDeleted(team_id=team_id, version=held.version + 1),
                audited("auth.team.deleted", caller, "team", team_id, members=held.members),
            )
            await sent_otherwise(tx, clients, users)

    async def members(
        self, organization_id: UUID, team_id: UUID, caller: Caller, page: PageRequest
    ) -> tuple[list[TeamMember], str | None]:
        """A page of those who are in a team, and the next cursor."""
        after = page.after(UUID)
        async with self.database.snapshot(organization_id) as tx:
            await insist(tx, caller, "teams.read")
            await _found(tx, team_id)
            rows = await TeamMemberRepository(tx).page(team_id, after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda member: (member.member_id,))

    async def change_members(
        self, organization_id: UUID, team_id: UUID, add: Sequence[UUID], remove: Sequence[UUID], caller: Caller
    ) -> Team:
        """Bring members in and take members out, all or none; doing it again changes nothing.

        Who is not in the team, or is no member any more, need not be taken out. Who is named on both sides is out.
        """
        wanted = sorted(set(add) - set(remove))
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "teams.manage")
            held, rows = await _locked(tx, team_id), TeamMemberRepository(tx)
            if await rows.hold(wanted) != len(wanted):
                raise NotAllMembers
            removed = await rows.remove(team_id, sorted(set(remove)))
            added = await rows.add(team_id, wanted)
            if added or removed:
                await TeamRepository(tx).raise_version(team_id)
                came, went = len(added), len(removed)
                await tx.emit(
                    TeamMembersChanged(team_id=team_id, added=added, removed=removed, version=held.version + 1),
                    audited("auth.team.members_changed", caller, "team", team_id, added=came, removed=went),
                )
            changed = await _found(tx, team_id)
            await sent_otherwise(tx, await clients_of_team(tx, team_id), [*added, *removed])
        return changed


async def _locked(tx: Transaction, team_id: UUID) -> Team:
    found = await TeamRepository(tx).lock(team_id)
    if found is None:
        raise TeamNotFound
    return found


async def _found(tx: Transaction, team_id: UUID) -> Team:
    found = await TeamRepository(tx).find(team_id)
    if found is None:
        raise TeamNotFound
    return found
