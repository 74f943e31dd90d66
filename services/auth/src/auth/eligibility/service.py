"""Whether somebody may have a subscription, and claiming one that was bought before signing up."""

from dataclasses import dataclass
from uuid import UUID

from auth.eligibility.errors import (
    AddressNotVerified,
    ClaimNotFound,
    ClaimPending,
    ClaimSettled,
    CodeTaken,
    SubscribedAlready,
)
from auth.eligibility.model import LIFE, MOST_OWNED, Claim, ClaimState, Eligibility, Reason, hash_of
from auth.eligibility.repository import ClaimRepository, EligibilityRepository
from auth.members.acting import insist
from auth.members.errors import MemberNotFound
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from auth.organizations.repository import OrganizationRepository
from auth.sign_ins.fresh import insist_on_fresh_proof
from contracts.auth import SubscriptionClaimed, SubscriptionClaimWithdrawn
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.http.pagination import PageRequest
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class EligibilityService:
    """What auth knows of subscriptions: who may have one, and what was claimed. Plans and money are billing's."""

    database: Database

    async def mine(self, caller: Caller) -> Eligibility:
        """Whether the caller may start or link a subscription, and for which of the organizations they own."""
        async with self.database.transaction() as tx:
            account = await EligibilityRepository(tx).account(caller.user_id)
            if account is None:
                raise Unauthenticated
            open_to = await OrganizationRepository(tx).of(caller.user_id, None, MOST_OWNED)
            owned = [each.organization_id for each in open_to if each.role is Role.OWNER]
            await tx.bind(*owned)
            return Eligibility(*account, await EligibilityRepository(tx).owned() if owned else [])

    async def claim(self, organization_id: UUID, code: str, caller: Caller) -> Claim:
        """Claim a subscription by the code that came with its purchase; billing looks for it and links it.

        The same code again is the same claim. The code itself is neither kept nor handed on.
        """
        async with self.database.transaction(organization_id) as tx:
            await MemberRepository(tx).lock_organization()
            await insist(tx, caller, "billing.manage")
            code_hash = hash_of(code)
            account = await EligibilityRepository(tx).account(caller.user_id)
            if account is None or not account[0]:
                raise AddressNotVerified
            await insist_on_fresh_proof(tx, caller)
            claims = ClaimRepository(tx)
            await claims.forget_lapsed(code_hash)
            earlier = await claims.of_code(code_hash)
            return earlier or await self._claim(tx, code_hash, caller)

    async def _claim(self, tx: Transaction, code_hash: bytes, caller: Caller) -> Claim:
        (owned,) = await EligibilityRepository(tx).owned()
        if Reason.SUBSCRIBED_ALREADY in owned.reasons:
            raise SubscribedAlready
        if owned.claim_pending:
            raise ClaimPending
        member, claims, claim_id = await MemberRepository(tx).find_user(caller.user_id), ClaimRepository(tx), new_id()
        if member is None:
            raise MemberNotFound
        if not await claims.add(claim_id, code_hash, member.id, LIFE):
            raise CodeTaken
        await tx.emit(
            SubscriptionClaimed(claim_id=claim_id, code_hash=code_hash.hex(), claimed_by=caller.user_id),
            audited("auth.subscription.claimed", caller, "subscription_claim", claim_id),
        )
        return await _found(tx, claim_id)

    async def page(self, organization_id: UUID, caller: Caller, page: PageRequest) -> tuple[list[Claim], str | None]:
        """A page of claims and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "billing.manage")
            rows = await ClaimRepository(tx).page(after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda claim: (claim.id,))

    async def withdraw(self, organization_id: UUID, claim_id: UUID, caller: Caller) -> None:
        """Take a claim back, as for a code that was mistyped; one that is withdrawn or lapsed stays so."""
        async with self.database.transaction(organization_id) as tx:
            await MemberRepository(tx).lock_organization()
            await insist(tx, caller, "billing.manage")
            held = await _found(tx, claim_id)
            if held.state is ClaimState.LINKED:
                raise ClaimSettled
            if held.state is ClaimState.PENDING:
                await ClaimRepository(tx).withdraw(claim_id)
                await tx.emit(
                    SubscriptionClaimWithdrawn(claim_id=claim_id, version=held.version + 1),
                    audited("auth.subscription.claim_withdrawn", caller, "subscription_claim", claim_id),
                )


async def _found(tx: Transaction, claim_id: UUID) -> Claim:
    found = await ClaimRepository(tx).find(claim_id)
    if found is None:
        raise ClaimNotFound
    return found
