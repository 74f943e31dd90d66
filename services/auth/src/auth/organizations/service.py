from dataclasses import dataclass
from uuid import UUID

from auth.factors.enrolled import enrolled
from auth.members.acting import acting, insist
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from auth.oauth.model import WEAK
from auth.oauth.repository import GrantRepository
from auth.organizations.errors import OrganizationNotFound
from auth.organizations.model import Membership, changed_by
from auth.organizations.repository import OrganizationRepository
from auth.organizations.schemas import ChangeOrganization
from auth.sessions.revoking import void_tokens_of_members
from auth.sign_ins.errors import SecondFactorRequired
from auth.sign_ins.fresh import insist_on_fresh_proof
from contracts.auth import MemberAdded, OrganizationCreated, OrganizationRenamed, OrganizationSecurityChanged
from contracts.event import Event
from kit.audit import SYSTEM, audited
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

    async def change(
        self, organization_id: UUID, wanted: ChangeOrganization, caller: Caller, expected: Condition
    ) -> Membership:
        """Give an organization another name or demand; the same again changes nothing."""
        async with self.database.transaction(organization_id) as tx:
            organizations = OrganizationRepository(tx)
            await organizations.lock()
            await insist(tx, caller, "organization.rename")
            held = await _found(tx, caller)
            expected.check(held.version)
            changed = changed_by(held, wanted.name, wanted.requires_second_factor)
            if changed == held:
                return held
            if changed.requires_second_factor != held.requires_second_factor:
                await _insist_on_own_factor(tx, caller)
            await organizations.save(changed.name, requires_second_factor=changed.requires_second_factor)
            await tx.emit(*_told(held, changed, caller))
            shown = await _found(tx, caller)
            if changed.requires_second_factor and not held.requires_second_factor:
                await organizations.shut()
                for each in await GrantRepository(tx).end_weak(organization_id, WEAK):
                    await tx.emit(audited("auth.oauth_grant.ended", SYSTEM, "oauth_grant", each, because=WEAK))
                await void_tokens_of_members(tx)
        return shown


async def _insist_on_own_factor(tx: Transaction, caller: Caller) -> None:
    """Who demands a second factor has shown one, or would be the first to stay outside."""
    await insist_on_fresh_proof(tx, caller)
    if not await enrolled(tx, caller.user_id):
        raise SecondFactorRequired


def _told(held: Membership, changed: Membership, caller: Caller) -> list[Event]:
    organization_id, version = held.organization_id, held.version + 1
    facts: list[Event] = []
    if changed.name != held.name:
        facts += [
            OrganizationRenamed(organization_id=organization_id, version=version),
            audited("auth.organization.renamed", caller, "organization", organization_id),
        ]
    if changed.requires_second_factor != held.requires_second_factor:
        demanded = changed.requires_second_factor
        facts += [
            OrganizationSecurityChanged(
                organization_id=organization_id, requires_second_factor=demanded, version=version
            ),
            audited(
                "auth.organization.security_changed", caller, "organization", organization_id, second_factor=demanded
            ),
        ]
    return facts


async def _found(tx: Transaction, caller: Caller) -> Membership:
    by = await acting(tx, caller)
    found = await OrganizationRepository(tx).find(caller.user_id, by.role, by.agency_id)
    if found is None:
        raise OrganizationNotFound
    return found
