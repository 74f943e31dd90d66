from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from billing.customers.details import Details, key_owner, place
from billing.customers.errors import CustomerRefused
from billing.customers.kind import KIND
from billing.customers.model import Customer, CustomerState
from billing.customers.repository import CustomerRepository
from billing.customers.telling import tell
from billing.errors import PaymentsOff, PaymentsUnavailable
from billing.stripe_api import LANE, StripeApi
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.http.etag import Changed, Condition
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class CustomerService:
    """Organizations as customers of Stripe's."""

    database: Database
    ledger: Ledger
    stripe: StripeApi
    keyring: Keyring

    async def ensure(self, organization_id: UUID) -> tuple[Customer, str]:
        """The organization's customer with Stripe's id, made now if there is none. No transaction may be open.

        However often and by however many at once: one row, so one idempotency key, so one customer.

        Raises:
            PaymentsOff: nothing is sold here.
            PaymentsUnavailable: Stripe has not answered; asked again, this goes on where it was.
            CustomerRefused: Stripe will not have it.
        """
        if not self.stripe.on:
            raise PaymentsOff
        async with self.database.transaction(organization_id) as tx:
            customer = await CustomerRepository(tx).take(organization_id)
        if customer.stripe_id is not None:
            return customer, customer.stripe_id
        await self.ledger.perform(Effect(KIND, Lane(organization_id, LANE), customer.id))
        async with self.database.transaction(organization_id) as tx:
            customer = await CustomerRepository(tx).take(organization_id)
        if customer.stripe_id is not None:
            return customer, customer.stripe_id
        if customer.state is CustomerState.REFUSED:
            raise CustomerRefused
        raise PaymentsUnavailable(retry_after=2.0)

    async def read(self, caller: MemberCaller) -> tuple[Customer, Details]:
        """The organization's customer and what stands on its invoices."""
        async with self.database.transaction(caller.organization_id) as tx:
            customer = await CustomerRepository(tx).take(caller.organization_id)
        return customer, await self._opened(customer)

    async def change(
        self, caller: MemberCaller, given: Mapping[str, str | None], expected: Condition
    ) -> tuple[Customer, Details]:
        """Have other details stand on invoices from now on; Stripe is told by the ledger.

        Raises:
            Changed: somebody changed them meanwhile.
            DetailsRefused: they do not make sense.
        """
        customer, details = await self.read(caller)
        expected.check(customer.version)
        wanted, details_id = details.changed(given), new_id()
        sealed = await self.keyring.seal(
            caller.organization_id, wanted.packed(), place(details_id), subject=key_owner(details_id)
        )
        async with self.database.transaction(caller.organization_id) as tx:
            saved = await CustomerRepository(tx).save_details(
                caller.organization_id, customer.version, details_id, sealed, caller.person_id
            )
            if saved is None:
                raise Changed
            if saved.stripe_id is not None:
                await tell(tx, caller.organization_id, details_id)
            await tx.emit(audited("billing.details.changed", caller, "customer", saved.id, fields=len(given)))
        return saved, wanted

    async def _opened(self, customer: Customer) -> Details:
        if customer.details is None or customer.details_id is None:
            return Details()
        values = [(customer.details, place(customer.details_id))]
        (opened,) = await self.keyring.open_many(customer.organization_id, values)
        return Details.of(opened)
