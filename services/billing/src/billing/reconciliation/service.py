from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from billing.errors import PaymentsOff
from billing.reconciliation import measures
from billing.reconciliation.errors import ReconciliationNotFound
from billing.reconciliation.repository import ReconciliationRepository
from billing.stripe_api import StripeApi
from kit.audit import audited
from kit.db.database import Database
from kit.http.idempotency import Idempotency
from kit.http.staff import StaffCaller
from kit.telemetry.metrics import Sampled


@dataclass(frozen=True, slots=True)
class ReconciliationService:
    """What staff ask of comparisons."""

    database: Database
    stripe: StripeApi

    async def begin(self, staff: StaffCaller, idempotency: Idempotency) -> dict[str, Any]:
        """Have everything compared now; while that goes on, asking again gives the same one.

        Raises:
            PaymentsOff: there is nothing to compare with.
        """
        if not self.stripe.on:
            raise PaymentsOff
        async with self.database.transaction() as tx:
            reconciliations = ReconciliationRepository(tx)
            if earlier := await idempotency.claim(tx):
                return await self._find(reconciliations, earlier.resource_id)
            planned = await reconciliations.plan("staff", await reconciliations.now())
            begun = planned or await reconciliations.asked_by_staff()
            await idempotency.remember(tx, begun)
            if planned is not None:
                await tx.emit_of_platform(audited("billing.reconciliation.asked", staff, "reconciliation", planned))
            return await self._find(reconciliations, begun)

    async def find(self, reconciliation_id: UUID) -> dict[str, Any]:
        """One comparison.

        Raises:
            ReconciliationNotFound: there is none.
        """
        async with self.database.transaction() as tx:
            return await self._find(ReconciliationRepository(tx), reconciliation_id)

    async def page(self, before: UUID | None, limit: int) -> Sequence[dict[str, Any]]:
        """Comparisons, the newest first."""
        async with self.database.transaction() as tx:
            return await ReconciliationRepository(tx).page(before, limit)

    async def drifts(
        self, staff: StaffCaller, *, unrepaired: bool, before: UUID | None, limit: int
    ) -> Sequence[dict[str, Any]]:
        """What was found, the newest first."""
        async with self.database.transaction() as tx:
            found = await ReconciliationRepository(tx).drifts(unrepaired=unrepaired, before=before, limit=limit)
            await tx.emit_of_platform(audited("billing.drift.read", staff, "drift", "all", shown=len(found)))
            return found

    def sampled(self) -> Sequence[Sampled]:
        """What is measured."""
        return (Sampled(measures.UNREPAIRED, "Findings that were not read again yet", self._unrepaired),)

    async def _unrepaired(self) -> float:
        async with self.database.transaction() as tx:
            return await ReconciliationRepository(tx).unrepaired()

    @staticmethod
    async def _find(reconciliations: ReconciliationRepository, reconciliation_id: UUID) -> dict[str, Any]:
        found = await reconciliations.find(reconciliation_id)
        if found is None:
            raise ReconciliationNotFound
        return found
