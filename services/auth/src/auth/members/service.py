from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from auth.accounts.sealing import Addresses
from auth.delegations.ending import member_leaves
from auth.members.acting import acting, insist
from auth.members.errors import LastOwner, MemberNotFound, NotAllowed
from auth.members.model import Member
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from auth.organizations.errors import OrganizationNotFound
from auth.ownership.ending import end_offers
from auth.sessions.revoking import void_tokens
from auth.sign_ins.fresh import insist_on_fresh_proof
from contracts.auth import MemberRemoved, MemberRoleChanged
from contracts.event import Event
from kit.audit import Actor, audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.pagination import PageRequest


@dataclass(frozen=True, slots=True)
class MemberService:
    """The members of an organization; all changes of one organization's members happen one after the other."""

    database: Database
    addresses: Addresses

    async def page(self, organization_id: UUID, caller: Caller, page: PageRequest) -> tuple[list[Member], str | None]:
        """A page of members and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "members.read")
            rows = await MemberRepository(tx).page(after[0] if after else None, page.limit + 1)
        shown, cursor = page.cut(rows, lambda member: (member.id,))
        return await self._opened(shown), cursor

    async def change_role(self, organization_id: UUID, member_id: UUID, role: Role, caller: Caller) -> Member:
        """Give a member another role; their access tokens are void at once and the next refresh says the new role.

        To make or unmake an owner takes a fresh proof.
        """
        async with self.database.transaction(organization_id) as tx:
            members = await _locked(tx)
            by = await insist(tx, caller, "members.manage")
            member = await members.find(member_id)
            if member is None:
                raise MemberNotFound
            changed = member.promoted(role, by.manages)
            if changed is not member:
                if Role.OWNER in (member.role, changed.role):
                    await insist_on_fresh_proof(tx, caller)
                await keep_an_owner(members, member)
                await members.save_role(changed)
                await tx.emit(*told_role(member, changed, caller))
                await void_tokens(tx, member.user_id)
        (shown,) = await self._opened([changed])
        return shown

    async def remove(self, organization_id: UUID, member_id: UUID, caller: Caller) -> None:
        """Let a member go; their access tokens are void at once, and no new one speaks of this organization."""
        async with self.database.transaction(organization_id) as tx:
            members = await _locked(tx)
            by = await acting(tx, caller)
            member = await members.find(member_id)
            own = member is not None and member.user_id == caller.person_id
            if not own and not by.may("members.manage"):
                raise NotAllowed
            if member is None:
                raise MemberNotFound
            member.check_removal(caller.user_id, by.manages)
            await _remove(tx, members, member, caller)

    async def leave(self, organization_id: UUID, caller: Caller) -> None:
        """End the caller's own membership, as `remove` does."""
        async with self.database.transaction(organization_id) as tx:
            members = await _locked(tx)
            await acting(tx, caller)
            member = await members.find_user(caller.user_id)
            if member is None:
                raise MemberNotFound
            await _remove(tx, members, member, caller)

    async def _opened(self, members: Sequence[Member]) -> list[Member]:
        """The members with their addresses; who was forgotten has none."""
        sealed = {member.id: member.address for member in members if member.address is not None}
        emails = dict(zip(sealed, await self.addresses.open(list(sealed.values())), strict=True))
        return [replace(member, email=emails.get(member.id)) for member in members]


async def _locked(tx: Transaction) -> MemberRepository:
    """The members, whose changes happen one after the other from here on."""
    members = MemberRepository(tx)
    if not await members.lock_organization():
        raise OrganizationNotFound
    return members


def told_role(before: Member, changed: Member, actor: Actor) -> tuple[Event, Event]:
    """The fact and the line that a member has another role."""
    return (
        MemberRoleChanged(member_id=changed.id, user_id=changed.user_id, role=changed.role, version=changed.version),
        audited(
            "auth.member.role_changed",
            actor,
            "member",
            changed.id,
            role=changed.role.value,
            before=before.role.value,
        ),
    )


async def keep_an_owner(members: MemberRepository, leaving: Member) -> None:
    """Refuse when there would be no owner left; to be asked under the organization's lock.

    Raises:
        LastOwner: this is the only one.
    """
    if leaving.role is Role.OWNER and await members.count_owners() == 1:
        raise LastOwner


async def _remove(tx: Transaction, members: MemberRepository, member: Member, caller: Caller) -> None:
    await keep_an_owner(members, member)
    await end_offers(tx, member.id, caller)
    await member_leaves(tx, member.id)
    await members.remove(member.id)
    await tx.emit(
        MemberRemoved(member_id=member.id, user_id=member.user_id, version=member.version + 1),
        audited("auth.member.removed", caller, "member", member.id, role=member.role.value),
    )
    await void_tokens(tx, member.user_id)
