"""Handing an organization over: offered by an owner, accepted by the member it is offered to, in one step."""

from dataclasses import dataclass, replace
from uuid import UUID

from auth.mails.notices import Notice, notify
from auth.members.acting import acting, insist
from auth.members.errors import MemberNotFound
from auth.members.model import Member
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from auth.members.service import told_role
from auth.organizations.errors import OrganizationNotFound
from auth.ownership.ending import tell_withdrawn
from auth.ownership.errors import OwnerAlready, TransferGone, TransferNotFound, TransferPending
from auth.ownership.model import KEPT_FOR, LIFE, Transfer
from auth.ownership.repository import TransferRepository
from auth.sessions.revoking import void_tokens
from auth.sign_ins.fresh import insist_on_fresh_proof
from contracts.auth import OwnershipOffered, OwnershipTransferred
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id
from kit.mail import Mailer


@dataclass(frozen=True, slots=True)
class OwnershipService:
    """Offers of an organization; all changes of one organization's members and offers happen one after the other."""

    database: Database
    mailer: Mailer

    async def offer(self, organization_id: UUID, member_id: UUID, caller: Caller, key: Idempotency) -> Transfer:
        """Offer the organization to another member, who has seven days."""
        async with self.database.transaction(organization_id) as tx:
            members, transfers = await _locked(tx)
            await insist(tx, caller, "owners.manage")
            await insist_on_fresh_proof(tx, caller)
            earlier = await key.claim(tx)
            if earlier is not None:
                return await _found(tx, earlier.resource_id)
            giver, taker = await members.find_user(caller.user_id), await members.find(member_id)
            if giver is None or taker is None:
                raise MemberNotFound
            if taker.role is Role.OWNER:
                raise OwnerAlready
            await transfers.forget_old(KEPT_FOR)
            transfer_id = new_id()
            if not await transfers.add(transfer_id, giver.id, taker.id, LIFE):
                raise TransferPending
            await key.remember(tx, transfer_id, 1)
            await tx.emit(
                OwnershipOffered(transfer_id=transfer_id, user_id=taker.user_id),
                audited("auth.ownership.offered", caller, "ownership", transfer_id, to=str(taker.id)),
            )
            await notify(tx, self.mailer, taker.user_id, Notice.OWNERSHIP_OFFERED, transfer_id)
            return await _found(tx, transfer_id)

    async def page(
        self, organization_id: UUID, caller: Caller, page: PageRequest
    ) -> tuple[list[Transfer], str | None]:
        """A page of offers and the next cursor: owners see all of them, others their own."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            by = await acting(tx, caller)
            concerning = None if by.may("owners.manage") else caller.user_id
            rows = await TransferRepository(tx).page(concerning, after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda transfer: (transfer.id,))

    async def accept(self, organization_id: UUID, transfer_id: UUID, caller: Caller) -> Transfer:
        """Become an owner, and let the giver be an administrator, in one step; accepting twice is accepting once.

        The tokens of both are void at once, and their next refresh says what they are now.
        """
        async with self.database.transaction(organization_id) as tx:
            members, transfers = await _locked(tx)
            await acting(tx, caller)
            held = await _found(tx, transfer_id)
            if held.to_user_id != caller.person_id:
                raise TransferNotFound
            accepted = held.accepted()
            if accepted is held:
                return held
            giver, taker = await members.find(held.from_member_id), await members.find(held.to_member_id)
            if giver is None or taker is None or giver.role is not Role.OWNER:
                raise TransferGone
            await transfers.save(accepted)
            await self._swap(tx, giver, taker, caller)
            await tx.emit(
                OwnershipTransferred(
                    transfer_id=held.id,
                    from_user_id=giver.user_id,
                    to_user_id=taker.user_id,
                    version=accepted.version,
                ),
                audited("auth.ownership.transferred", caller, "ownership", held.id, giver=str(giver.id)),
            )
            await notify(tx, self.mailer, giver.user_id, Notice.OWNERSHIP_TRANSFERRED, held.id)
            await notify(tx, self.mailer, taker.user_id, Notice.OWNERSHIP_TRANSFERRED, held.id)
            for user_id in sorted((giver.user_id, taker.user_id)):  # in one order, so that nobody waits in a circle
                await void_tokens(tx, user_id)
        return accepted

    async def withdraw(self, organization_id: UUID, transfer_id: UUID, caller: Caller) -> None:
        """Take an offer back, as an owner, or decline it, as whom it was made to."""
        async with self.database.transaction(organization_id) as tx:
            _, transfers = await _locked(tx)
            by = await acting(tx, caller)
            held = await _found(tx, transfer_id)
            if not (by.may("owners.manage") or (caller.person_id and held.concerns(caller.person_id))):
                raise TransferNotFound
            withdrawn = held.withdrawn()
            if withdrawn is not held:
                await transfers.save(withdrawn)
                await tell_withdrawn(tx, organization_id, held.id, withdrawn.version, caller)

    async def _swap(self, tx: Transaction, giver: Member, taker: Member, caller: Caller) -> None:
        members = MemberRepository(tx)
        for member, role in ((taker, Role.OWNER), (giver, Role.ADMIN)):
            if member.role is not role:
                changed = replace(member, role=role, version=member.version + 1)
                await members.save_role(changed)
                await tx.emit(*told_role(member, changed, caller))


async def _locked(tx: Transaction) -> tuple[MemberRepository, TransferRepository]:
    members = MemberRepository(tx)
    if not await members.lock_organization():
        raise OrganizationNotFound
    return members, TransferRepository(tx)


async def _found(tx: Transaction, transfer_id: UUID) -> Transfer:
    found = await TransferRepository(tx).find(transfer_id)
    if found is None:
        raise TransferNotFound
    return found
