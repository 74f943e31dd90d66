from dataclasses import dataclass
from uuid import UUID

from inbox.assignment.errors import AgentNotFound, AnsweringTeamNotThere, PolicyNotFound, ScopeNotThere
from inbox.assignment.model import Agent, Availability, Policy, Scope
from inbox.assignment.repository import AgentRepository, GivingRepository, PolicyRepository
from inbox.teams.repository import TeamRepository
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller


@dataclass(frozen=True, slots=True)
class AssignmentService:
    """Policies by which conversations are given out, and how those stand who are given them."""

    database: Database

    async def policies(self, caller: MemberCaller) -> list[Policy]:
        """All policies."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await PolicyRepository(tx).all()

    async def set_policy(self, caller: MemberCaller, policy: Policy) -> Policy:
        """Let a policy hold from now on, also for what waits already.

        Raises:
            ScopeNotThere: no such team or channel, or another organization.
            AnsweringTeamNotThere: no such team to answer, or one beside the team it is of.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            policies = PolicyRepository(tx)
            if not await policies.there(policy.scope, policy.scope_id):
                raise ScopeNotThere
            named = policy.team_id
            if named is not None and (policy.scope == "team" or not await TeamRepository(tx).stands(named)):
                raise AnsweringTeamNotThere
            saved = await policies.save(policy)
            await GivingRepository(tx).nudge()
            await tx.emit(
                audited(
                    "inbox.assignment_policy.set",
                    caller,
                    "assignment_policy",
                    policy.scope_id,
                    scope=policy.scope,
                    strategy=policy.strategy,
                )
            )
        return saved

    async def drop_policy(self, caller: MemberCaller, scope: Scope, scope_id: UUID) -> None:
        """Let it hold no more: what holds for all does.

        Raises:
            PolicyNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            if not await PolicyRepository(tx).delete(scope, scope_id):
                raise PolicyNotFound
            await GivingRepository(tx).nudge()
            await tx.emit(
                audited("inbox.assignment_policy.dropped", caller, "assignment_policy", scope_id, scope=scope)
            )

    async def agents(self, caller: MemberCaller, after: UUID | None, limit: int) -> list[Agent]:
        """Those who answer, and how they stand."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await AgentRepository(tx).page(after, limit)

    async def say(self, caller: MemberCaller, availability: Availability) -> Agent:
        """Say of oneself whether one takes conversations."""
        async with self.database.transaction(caller.organization_id) as tx:
            agents = AgentRepository(tx)
            await _known(agents, caller.user_id)
            await agents.say(caller.user_id, availability)
            await GivingRepository(tx).nudge()
            return await _known(agents, caller.user_id)

    async def limit(self, caller: MemberCaller, user_id: UUID, capacity: int | None) -> Agent:
        """Say how many open conversations somebody is given at most; None for what the policies say.

        Raises:
            AgentNotFound: nobody here who answers.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            agents = AgentRepository(tx)
            await _known(agents, user_id)
            await agents.limit(user_id, capacity)
            await GivingRepository(tx).nudge()
            to = "as the policies say" if capacity is None else str(capacity)
            await tx.emit(audited("inbox.agent.limited", caller, "user", user_id, to=to))
            return await _known(agents, user_id)


async def _known(agents: AgentRepository, user_id: UUID) -> Agent:
    found = await agents.find(user_id)
    if found is None:
        raise AgentNotFound
    return found
