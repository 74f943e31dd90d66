from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Final
from uuid import UUID

from billing.customers.details import Details, key_owner, place
from billing.customers.model import Customer
from billing.customers.repository import CustomerRepository, PersonsCustomers
from billing.customers.telling import KIND, tell
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person
from kit.seal import Keyring

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class CustomerHolding:
    """What a user gave to stand on an organization's invoices.

    It goes with them, here and at Stripe, and another owner gives it anew: it may be their own name and address.
    Invoices that were made keep theirs, as the law of accounts has it.
    """

    database: Database
    ledger: Ledger
    keyring: Keyring
    tables: ClassVar[frozenset[str]] = frozenset({"customers"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """The details that they gave."""
        for organization_id in organization_ids if person.kind == "user" else ():
            async with self.database.snapshot(organization_id) as tx:
                found = await PersonsCustomers(tx).find(person.id)
                kept = await self.ledger.kept(tx, (KIND,), [each.details_id for each in found if each.details_id])
            yield Rows("customers", [await self._row(each) for each in found])
            for name, rows in kept.items():
                yield Rows(name, rows)

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Empty a batch of them, have Stripe told, and let their keys go.

        Raises:
            UnderWay: Stripe is being told of them just now.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        found = await PersonsCustomers(tx).lock(person.id, _PAGE)
        if not found:
            return Erased()
        removed = await self.ledger.forget(tx, (KIND,), [each.details_id for each in found if each.details_id])
        organizations = tx.organization_ids
        for customer in found:
            await _empty(tx, customer)
        await tx.bind(*organizations)
        return Erased(
            removed=removed,
            unlinked={"customers": len(found)},
            keys=[f"{each.organization_id}/{key_owner(each.details_id)}" for each in found if each.details_id],
            more=len(found) == _PAGE,
        )

    async def _row(self, customer: Customer) -> dict[str, object]:
        details = Details()
        if customer.details is not None and customer.details_id is not None:
            values = [(customer.details, place(customer.details_id))]
            (opened,) = await self.keyring.open_many(customer.organization_id, values)
            details = Details.of(opened)
        return {
            "organization_id": customer.organization_id,
            "id": customer.id,
            "details": asdict(details),
            "details_state": customer.details_state,
            "details_reason": customer.details_reason,
        }


async def _empty(tx: Transaction, customer: Customer) -> None:
    await tx.bind(customer.organization_id)
    details_id = new_id()
    await CustomerRepository(tx).save_details(customer.organization_id, None, details_id, None, None)
    if customer.stripe_id is not None:
        await tell(tx, customer.organization_id, details_id)
