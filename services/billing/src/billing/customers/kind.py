"""The kind `billing.customer`: an organization becomes a customer at Stripe, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.branding import AS_THE_ACCOUNT, Brand
from billing.customers.model import Customer
from billing.customers.repository import CustomerRepository
from billing.customers.telling import tell
from billing.stripe_api import TIMING, Json, StripeApi
from contracts.billing import CustomerCreated
from kit.audit import SYSTEM, audited
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Found, Look, Receipt, Settled, Status

KIND: Final = "billing.customer"


@dataclass(frozen=True, slots=True)
class CustomerCreation:
    """Makes a customer of an organization; Stripe learns no more of it than our ids."""

    stripe: StripeApi
    brand: Brand = AS_THE_ACCOUNT

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Customer]:
        """The rows."""
        found = await CustomerRepository(tx).by_ids([entry.subject_id for entry in entries])
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Customer) -> Receipt:
        """Make it; asked again, Stripe answers with the one it has made."""
        metadata = {"organization_id": str(work.organization_id), "row_id": str(work.id)}

        async def find() -> Json | None:
            query = f"metadata['row_id']:'{work.id}'"
            found = await self.stripe.get("/v1/customers/search", {"query": query, "limit": 1})
            return found["data"][0] if found["data"] else None

        asked = {"metadata": metadata, **self.brand.of_invoices()}
        made = await self.stripe.make("/v1/customers", asked, key=f"customer-{work.id}", find=find)
        return Receipt(external_id=made["id"], said=f"attempt {entry.attempt}", result=made["id"])

    async def look(self, entry: Entry, work: Customer) -> Look:
        """Ask again."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep Stripe's id."""
        customers = CustomerRepository(tx)
        for each in settled:
            if each.status is Status.DONE and each.external_id is not None:
                await _made(tx, each, each.external_id)
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                await customers.refused(each.entry.subject_id)


async def _made(tx: Transaction, settled: Settled, stripe_id: str) -> None:
    customer_id, organization_id = settled.entry.subject_id, settled.entry.organization_id
    version = await CustomerRepository(tx).made(customer_id, stripe_id)
    if version is None or organization_id is None:
        return
    (customer,) = (await CustomerRepository(tx).by_ids([customer_id])).values()
    if customer.details_id is not None:
        await tell(tx, organization_id, customer.details_id)
    await tx.emit(
        CustomerCreated(organization_id=organization_id, customer_id=customer_id, version=version),
        audited("billing.customer.created", SYSTEM, "customer", customer_id, organization_id=organization_id),
    )
