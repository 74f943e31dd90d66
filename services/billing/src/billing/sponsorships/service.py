from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from billing.entitlements.repository import EntitlementRepository
from billing.entitlements.service import settle
from billing.grants.repository import GrantRepository
from billing.sponsorships.errors import (
    NotItsAgency,
    PlanSponsorsNobody,
    SponsoredAlready,
    SponsorshipOver,
    TooManyClients,
)
from billing.sponsorships.model import SPONSORING, Sponsorship, given
from billing.sponsorships.repository import TOPIC, DelegationRepository, SponsorshipRepository
from contracts.audit import AuditEntry
from contracts.billing import SponsorshipBegun, SponsorshipEnded
from kit.audit import SYSTEM, Actor, audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id
from kit.process import Loop

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class SponsorshipService:
    """An agency begins and ends to pay for clients; a client may end it, too."""

    database: Database

    async def begin(self, caller: MemberCaller, client_id: UUID, key: Idempotency) -> Sponsorship:
        """Pay for a client; it is on its plan some milliseconds later.

        Raises:
            NotItsAgency: nobody has let the agency act for this client.
            PlanSponsorsNobody, TooManyClients: its plan does not pay for one more.
            SponsoredAlready: somebody pays for the client.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            sponsorships = SponsorshipRepository(tx)
            await GrantRepository(tx).lock()
            if earlier := await key.claim(tx):
                return await sponsorships.find(earlier.resource_id)
            delegation_id = await DelegationRepository(tx).between(caller.organization_id, client_id)
            if delegation_id is None:
                raise NotItsAgency
            plan = await _room(tx)
            sponsorship_id = new_id()
            if not await sponsorships.add(sponsorship_id, client_id, delegation_id, plan):
                raise SponsoredAlready
            await key.remember(tx, sponsorship_id)
            found = await sponsorships.find(sponsorship_id)
            said: dict[str, Any] = {
                "sponsorship_id": found.id,
                "agency_id": found.agency_id,
                "version": found.version,
            }
            await tx.emit(
                SponsorshipBegun(organization_id=client_id, **said),
                *_lines("billing.sponsorship.begun", caller, found),
            )
        return found

    async def end(self, caller: MemberCaller, sponsorship_id: UUID) -> None:
        """Pay no more, or be paid for no more.

        Raises:
            SponsorshipNotFound: neither side is the caller's.
            SponsorshipOver: it has ended.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await GrantRepository(tx).lock()
            sponsorship = await SponsorshipRepository(tx).find(sponsorship_id)
            if sponsorship.ended_at is not None:
                raise SponsorshipOver
            mine = sponsorship.agency_id == caller.organization_id
            await end(tx, sponsorship, "agency" if mine else "client", caller)

    async def page(self, organization_id: UUID, page: PageRequest) -> tuple[list[Sponsorship], str | None]:
        """Those of both sides, the newest first."""
        before = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await SponsorshipRepository(tx).page(before[0] if before else None, page.limit + 1)
        return page.cut(rows, lambda each: (each.id,))

    def loop(self) -> Loop:
        """Settles clients as soon as something changes for them."""
        return Loop("clients follow", partial(self.database.wakeups.work_off, TOPIC, self.settle_clients, every=5.0))

    async def settle_clients(self) -> bool:
        """Bring clients up to what is paid for them; True when there may be more."""
        async with self.database.transaction() as tx:
            due = await SponsorshipRepository(tx).to_settle(AT_ONCE)
        for client_id in due:
            async with self.database.transaction(client_id) as tx:
                await GrantRepository(tx).lock()
                await SponsorshipRepository(tx).mark_settled()
                await settle(tx)
        return len(due) >= AT_ONCE


async def _room(tx: Transaction) -> str:
    """The plan for one client more, by what the agency has by itself."""
    entitlements = EntitlementRepository(tx)
    held = await entitlements.held()
    own = held.own.plan if held and not await entitlements.withheld() else ""
    if own not in SPONSORING:
        raise PlanSponsorsNobody
    if await SponsorshipRepository(tx).clients() >= SPONSORING[own].clients:
        raise TooManyClients(clients=SPONSORING[own].clients)
    return given(own)


async def end(tx: Transaction, sponsorship: Sponsorship, because: str, actor: Actor = SYSTEM) -> None:
    """End a sponsorship; the client is settled afterwards."""
    version = await SponsorshipRepository(tx).end(sponsorship.id, because)
    said: dict[str, Any] = {"sponsorship_id": sponsorship.id, "agency_id": sponsorship.agency_id, "because": because}
    await tx.emit(
        SponsorshipEnded(organization_id=sponsorship.organization_id, version=version, **said),
        *_lines("billing.sponsorship.ended", actor, sponsorship),
    )


def _lines(action: str, actor: Actor, sponsorship: Sponsorship) -> list[AuditEntry]:
    """A line for each side."""
    sides = (sponsorship.agency_id, sponsorship.organization_id)
    return [audited(action, actor, "sponsorship", sponsorship.id, organization_id=side) for side in sides]
