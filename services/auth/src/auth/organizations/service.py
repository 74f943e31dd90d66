from dataclasses import dataclass
from uuid import UUID

from auth.members.acting import acting, insist
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from auth.organizations.errors import OrganizationNotFound
from auth.organizations.model import Membership
from auth.organizations.repository import OrganizationRepository
from contracts.auth import MemberAdded, OrganizationCreated, OrganizationRenamed
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class OrganizationService:
    """Creating, reading and renaming organizations, as one of their members."""

    database: Database

    async def create(self, name: str, caller: Caller, key: Idempotency) -> Membership:
        """A new organization with the caller as its owner."""
        organization_id, member_id = new_id(), new_id()
        async with self.database.transaction(organization_id) as tx:
            earlier = await key.claim(tx)
            if earlier is not None:
                await tx.bind(earlier.resource_id)
                return await _found(tx, caller)
            await OrganizationRepository(tx).add(name)
            if not await MemberRepository(tx).add(member_id, caller.user_id, Role.OWNER):
                raise Unauthenticated
            await key.remember(tx, organization_id, 1)
            await tx.emit(
                OrganizationCreated(created_by=caller.user_id),
                MemberAdded(member_id=member_id, user_id=caller.user_id, role=Role.OWNER),
                audited("auth.organization.created", caller, "organization", organization_id),
                audited("auth.member.added", caller, "member", member_id, role=Role.OWNER.value),
            )
            return await _found(tx, caller)

    async def mine(self, caller: Caller, page: PageRequest) -> tuple[list[Membership], str | None]:
        """A page of the caller's organizations and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction() as tx:
            rows = await OrganizationRepository(tx).of(caller.user_id, after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda membership: (membership.organization_id,))

    async def read(self, organization_id: UUID, caller: Caller) -> Membership:
        """One of the caller's organizations."""
        async with self.database.transaction(organization_id) as tx:
            return await _found(tx, caller)

    async def rename(self, organization_id: UUID, name: str, caller: Caller, expected: Condition) -> Membership:
        """Give an organization another name; the same name again changes nothing."""
        async with self.database.transaction(organization_id) as tx:
            organizations = OrganizationRepository(tx)
            await organizations.lock()
            await insist(tx, caller, "organization.rename")
            held = await _found(tx, caller)
            expected.check(held.version)
            if held.name == name:
                return held
            await organizations.rename(name)
            await tx.emit(
                OrganizationRenamed(organization_id=organization_id, version=held.version + 1),
                audited("auth.organization.renamed", caller, "organization", organization_id),
            )
            return await _found(tx, caller)


async def _found(tx: Transaction, caller: Caller) -> Membership:
    by = await acting(tx, caller)
    found = await OrganizationRepository(tx).find(caller.user_id, by.role, by.agency_id)
    if found is None:
        raise OrganizationNotFound
    return found
