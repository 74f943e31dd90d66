from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billing.disputes.errors import NothingWithheld
from billing.disputes.model import Dispute
from billing.disputes.repository import DisputeRepository
from billing.entitlements.service import settle
from billing.grants.repository import GrantRepository
from kit.audit import audited
from kit.db.database import Database
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller


@dataclass(frozen=True, slots=True)
class DisputeService:
    """Shows disputes, and lets staff give back a plan that a lost one withholds."""

    database: Database

    async def page(self, organization_id: UUID, page: PageRequest) -> tuple[list[Dispute], str | None]:
        """Disputes, the newest first."""
        before = page.after(datetime, UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await DisputeRepository(tx).page(before, page.limit + 1)
        return page.cut(rows, lambda each: (each.seen.created_at, each.id))

    async def lift(self, organization_id: UUID, dispute_id: UUID, staff: StaffCaller) -> Dispute:
        """Withhold the plan no more.

        Raises:
            DisputeNotFound: it is not there.
            NothingWithheld: it withholds nothing.
        """
        async with self.database.transaction(organization_id) as tx:
            await GrantRepository(tx).lock()
            dispute = await DisputeRepository(tx).find(dispute_id)
            if not dispute.withholds:
                raise NothingWithheld
            lifted = replace(dispute, withholds=False, version=dispute.version + 1)
            await DisputeRepository(tx).save(lifted)
            await tx.emit(audited("billing.dispute.lifted", staff, "dispute", dispute_id))
            await settle(tx)
        return lifted
