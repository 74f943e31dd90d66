from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.catalogue.catalogue import CATALOGUE, FREE
from billing.entitlements.model import Own, PlanOf, Terms, in_force
from billing.entitlements.repository import EntitlementRepository
from billing.grants.repository import GrantRepository
from billing.sponsorships.model import given
from billing.sponsorships.repository import SponsorshipRepository
from contracts.billing import EntitlementsChanged
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class EntitlementService:
    """What other programs ask of entitlements."""

    database: Database

    async def plans(self, after: UUID, at_most: int) -> Sequence[PlanOf]:
        """The plans of the organizations after this one."""
        async with self.database.transaction() as tx:
            return await EntitlementRepository(tx).plans_after(after, at_most)


async def begin(tx: Transaction) -> None:
    """Start a new organization on the free plan as it is now, or on what was granted to it before it was heard of.

    To be called under `GrantRepository.lock`.
    """
    entitlements = EntitlementRepository(tx)
    now = await entitlements.now()
    own = Own(FREE, CATALOGUE.in_force(now).number)
    free = in_force(own, (), now)
    await _tell(tx, free, await entitlements.begin(own, free))
    await settle(tx)


async def own(tx: Transaction, has: Own) -> None:
    """The organization has something else by itself from now on: what it bought, or after that the free plan.

    To be called under `GrantRepository.lock`, for an organization that billing has heard of.
    """
    await EntitlementRepository(tx).own(has)
    await settle(tx)


async def settle(tx: Transaction) -> None:
    """See to it that what is in force is what follows from the organization's own plan and those granted to it.

    To be called under `GrantRepository.lock`. While billing has not heard of the organization nothing happens: what
    is granted waits in its rows.
    """
    entitlements = EntitlementRepository(tx)
    held = await entitlements.held()
    if held is None:
        return
    granted, withheld = await GrantRepository(tx).active(), await entitlements.withheld()
    has = Own(FREE, CATALOGUE.in_force(held.now).number) if withheld else held.own
    sponsorships = SponsorshipRepository(tx)
    await sponsorships.give(given(has.plan))
    terms = in_force(has, [*granted, *await sponsorships.taken()], held.now)
    if terms != held.terms:
        await _tell(tx, terms, await entitlements.save(terms))


async def _tell(tx: Transaction, terms: Terms, version: int) -> None:
    """Let the other services know with the commit."""
    await tx.emit(
        EntitlementsChanged(
            organization_id=tx.organization_id, version=version, plan=terms.plan, limits=dict(terms.limits)
        ),
        audited("billing.plan.changed", SYSTEM, "organization", tx.organization_id, plan=terms.plan),
        audited("billing.entitlements.changed", SYSTEM, "entitlements", tx.organization_id, version=version),
    )
