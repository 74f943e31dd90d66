from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from auth.accounts.sealing import Addresses
from auth.members.errors import LastOwner, MemberNotFound, NotAllowed
from auth.members.model import Member
from auth.members.permissions import MATRIX, Role
from auth.members.repository import MemberRepository
from auth.organizations.errors import OrganizationNotFound
from auth.sessions.revoking import void_tokens
from contracts.auth import MemberRemoved, MemberRoleChanged
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.pagination import PageRequest


async def acting_role(tx: Transaction, caller: Caller) -> Role:
    """The caller's role in the transaction's organization as it is now, whatever the token says.

    Raises:
        OrganizationNotFound: the caller is no member; a foreign organization looks like none.
    """
    role = await MemberRepository(tx).role_of(caller.user_id)
    if role is None:
        raise OrganizationNotFound
    return role


@dataclass(frozen=True, slots=True)
class MemberService:
    """The members of an organization; all changes of one organization's members happen one after the other."""

    database: Database
    addresses: Addresses

    async def page(self, organization_id: UUID, caller: Caller, page: PageRequest) -> tuple[list[Member], str | None]:
        """A page of members and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            if not MATRIX[await acting_role(tx, caller)].reads_members:
                raise NotAllowed
            rows = await MemberRepository(tx).page(after[0] if after else None, page.limit + 1)
        shown, cursor = page.cut(rows, lambda member: (member.id,))
        return await self._opened(shown), cursor

    async def change_role(self, organization_id: UUID, member_id: UUID, role: Role, caller: Caller) -> Member:
        """Give a member another role; their access tokens are void at once and the next refresh says the new role."""
        async with self.database.transaction(organization_id) as tx:
            members, member, by = await self._locked(tx, member_id, caller)
            changed = member.promoted(role, by)
            if changed is not member:
                await _keep_an_owner(members, member)
                await members.save_role(changed)
                await tx.emit(
                    MemberRoleChanged(
                        member_id=member.id, user_id=member.user_id, role=changed.role, version=changed.version
                    ),
                    audited(
                        "auth.member.role_changed",
                        caller,
                        "member",
                        member.id,
                        role=changed.role.value,
                        before=member.role.value,
                    ),
                )
                await void_tokens(tx, member.user_id)
        (shown,) = await self._opened([changed])
        return shown

    async def remove(self, organization_id: UUID, member_id: UUID, caller: Caller) -> None:
        """Let a member go; their access tokens are void at once, and no new one speaks of this organization."""
        async with self.database.transaction(organization_id) as tx:
            members, member, by = await self._locked(tx, member_id, caller)
            member.check_removal(caller.user_id, by)
            await _keep_an_owner(members, member)
            await members.remove(member.id)
            await tx.emit(
                MemberRemoved(member_id=member.id, user_id=member.user_id, version=member.version + 1),
                audited("auth.member.removed", caller, "member", member.id, role=member.role.value),
            )
            await void_tokens(tx, member.user_id)

    async def _opened(self, members: Sequence[Member]) -> list[Member]:
        """The members with their addresses; who was forgotten has none."""
        sealed = {member.id: member.address for member in members if member.address is not None}
        emails = dict(zip(sealed, await self.addresses.open(list(sealed.values())), strict=True))
        return [replace(member, email=emails.get(member.id)) for member in members]

    async def _locked(
        self, tx: Transaction, member_id: UUID, caller: Caller
    ) -> tuple[MemberRepository, Member, Role]:
        """The member, and the caller's role, as they are once it is our turn."""
        members = MemberRepository(tx)
        if not await members.lock_organization():
            raise OrganizationNotFound
        by = await acting_role(tx, caller)
        member = await members.find(member_id)
        if member is None:
            raise MemberNotFound
        return members, member, by


async def _keep_an_owner(members: MemberRepository, leaving: Member) -> None:
    if leaving.role is Role.OWNER and await members.count_owners() == 1:
        raise LastOwner
