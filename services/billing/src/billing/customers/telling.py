"""The kind `billing.customer_details`: Stripe is told what stands on invoices, or that nothing does any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.customers.details import Details, place
from billing.customers.model import Customer
from billing.customers.repository import CustomerRepository
from billing.stripe_api import LANE, TIMING, StripeApi
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Found, Lane, Look, Receipt, Refused, Settled, Status
from kit.ledger.rows import add
from kit.seal import Keyring

KIND: Final = "billing.customer_details"
_GONE: Final = "resource_missing"


@dataclass(frozen=True, slots=True)
class DetailsTelling:
    """Writes the newest details over what Stripe has; what was replaced meanwhile is withdrawn."""

    stripe: StripeApi
    keyring: Keyring

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Customer]:
        """The customers whose newest details these are."""
        found = await CustomerRepository(tx).by_details([entry.subject_id for entry in entries])
        return {
            entry.id: found[entry.subject_id]
            for entry in entries
            if entry.subject_id in found and found[entry.subject_id].stripe_id is not None
        }

    async def call(self, entry: Entry, work: Customer) -> Receipt:
        """Write them; every step may be made twice."""
        details, path = await self._opened(work), f"/v1/customers/{work.stripe_id}"
        key = f"details-{entry.subject_id}"
        await self.stripe.post(path, details.at_stripe(), key=key)
        there = False
        async for each in self.stripe.pages(f"{path}/tax_ids"):
            wanted = (each["type"], each["value"]) == (details.tax_id_type, details.tax_id)
            there = there or wanted
            if not wanted:
                await self._drop(f"{path}/tax_ids/{each['id']}")
        if details.tax_id is not None and not there:
            params = {"type": details.tax_id_type, "value": details.tax_id}
            await self.stripe.post(f"{path}/tax_ids", params, key=f"{key}-tax")
        return Receipt(external_id=work.stripe_id, said=f"attempt {entry.attempt}")

    async def look(self, entry: Entry, work: Customer) -> Look:
        """Write them again."""
        return Found(await self.call(entry, work))

    async def _opened(self, customer: Customer) -> Details:
        if customer.details is None or customer.details_id is None:
            return Details()
        values = [(customer.details, place(customer.details_id))]
        (opened,) = await self.keyring.open_many(customer.organization_id, values)
        return Details.of(opened)

    async def _drop(self, path: str) -> None:
        try:
            await self.stripe.delete(path)
        except Refused as refusal:
            if refusal.code != _GONE:
                raise

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Say whether Stripe has them."""
        customers = CustomerRepository(tx)
        for each in settled:
            if each.status is Status.DONE:
                await customers.told(each.entry.subject_id, "told")
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                await customers.told(each.entry.subject_id, "refused", "The payment provider does not accept these.")


async def tell(tx: Transaction, organization_id: UUID, details_id: UUID) -> None:
    """Have Stripe told, with the commit."""
    await add(tx, [Effect(KIND, Lane(organization_id, LANE), details_id)])
