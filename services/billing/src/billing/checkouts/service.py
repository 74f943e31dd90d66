from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.catalogue.service import PlanService
from billing.checkouts.errors import (
    AlreadySubscribed,
    CheckoutNotFound,
    CheckoutOpen,
    CheckoutOver,
    CheckoutRefused,
    TrialSpent,
)
from billing.checkouts.kind import EXPIRY, KIND, SESSION
from billing.checkouts.model import Checkout, CheckoutKind, CheckoutState, Offer, Wish
from billing.checkouts.offering import offer
from billing.checkouts.repository import CheckoutRepository, TrialRepository
from billing.coupons import redeeming
from billing.customers.model import Customer
from billing.customers.service import CustomerService
from billing.errors import PaymentsUnavailable
from billing.grants.repository import GrantRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import LANE
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class Shown:
    """A checkout with the address of its page, while it is open."""

    checkout: Checkout
    url: str | None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether the organization may subscribe now, and what for."""

    may_subscribe: bool
    why_not: str | None
    may_try: bool
    open_checkout_id: UUID | None


@dataclass(frozen=True, slots=True)
class CheckoutService:
    """Sends browsers to Stripe's pages and learns what came of it. Card data never comes here."""

    database: Database
    ledger: Ledger
    keyring: Keyring
    customers: CustomerService
    plans: PlanService

    async def subscribe(self, caller: MemberCaller, wish: Wish, key: Idempotency) -> Shown:
        """Open the page on which the organization subscribes; asked again for the same, it is the same page.

        Raises:
            PlanNotSold, NothingToTry, CodeUnknown: the wish cannot be met; the field is named.
            AlreadySubscribed, CheckoutOpen, TrialSpent, CouponSpent: not for this organization, or not now.
            CheckoutRefused: Stripe will not have it.
            PaymentsOff, PaymentsUnavailable: not here, or not just now; asked again, it goes on where it was.
        """
        wanted = offer(wish, self.plans.sold())
        customer, _ = await self.customers.ensure(caller.organization_id)
        async with self.database.transaction(caller.organization_id) as tx:
            await GrantRepository(tx).lock()
            earlier = await key.claim(tx)
            checkout_id = earlier.resource_id if earlier else await self._wanted(tx, caller, customer, wanted)
            if earlier is None:
                await key.remember(tx, checkout_id)
        return await self._opened(caller.organization_id, checkout_id)

    async def show_page(self, caller: MemberCaller, kind: CheckoutKind, key: Idempotency) -> Shown:
        """Open a page to give another card or to manage what there is.

        Raises:
            CheckoutRefused, PaymentsOff, PaymentsUnavailable: as for subscribing.
        """
        await self.customers.ensure(caller.organization_id)
        async with self.database.transaction(caller.organization_id) as tx:
            earlier = await key.claim(tx)
            checkout_id = earlier.resource_id if earlier else await self._add(tx, caller, kind, None)
            if earlier is None:
                await key.remember(tx, checkout_id)
        return await self._opened(caller.organization_id, checkout_id)

    async def read(self, caller: MemberCaller, checkout_id: UUID) -> Shown:
        """One of the organization's.

        Raises:
            CheckoutNotFound: it has none such.
        """
        return await self._shown(caller.organization_id, checkout_id)

    async def page(self, caller: MemberCaller, page: PageRequest) -> tuple[Sequence[Checkout], str | None]:
        """All of the organization's, the newest first."""
        before = page.after(UUID)
        async with self.database.transaction(caller.organization_id) as tx:
            rows = await CheckoutRepository(tx).page(before[0] if before else None, page.limit + 1)
        return page.cut(rows, lambda each: (each.id,))

    async def cancel(self, caller: MemberCaller, checkout_id: UUID) -> Shown:
        """Close a page, so that nobody pays on it any more; one that was paid meanwhile shows as completed.

        Raises:
            CheckoutNotFound: the organization has none such.
            CheckoutOver: it has ended.
            PaymentsUnavailable: Stripe has not answered; it is closed as soon as it does.
        """
        shown = await self._shown(caller.organization_id, checkout_id)
        if shown.checkout.state is not CheckoutState.OPEN or shown.checkout.kind is CheckoutKind.PORTAL:
            raise CheckoutOver
        async with self.database.transaction(caller.organization_id) as tx:
            await tx.emit(audited("billing.checkout.cancelled", caller, "checkout", checkout_id))
        await self.ledger.perform(self._effect(EXPIRY, caller.organization_id, checkout_id))
        shown = await self._shown(caller.organization_id, checkout_id)
        if shown.checkout.state is CheckoutState.OPEN:
            raise PaymentsUnavailable
        return shown

    async def eligibility(self, caller: MemberCaller) -> Eligibility:
        """Whether the organization may subscribe now."""
        async with self.database.transaction(caller.organization_id) as tx:
            checkouts = CheckoutRepository(tx)
            subscribed, under_way = await checkouts.subscribed(), await checkouts.under_way()
            spent = await TrialRepository(tx).spent()
        why_not = AlreadySubscribed.code if subscribed else CheckoutOpen.code if under_way else None
        return Eligibility(why_not is None, why_not, not spent, under_way.id if under_way else None)

    async def returned(self, checkout_id: UUID, session_id: str) -> None:
        """A browser comes back from a page: have it read again. A stranger who knows no session changes nothing."""
        async with self.database.transaction() as tx:
            owner = await CheckoutRepository(tx).owner(checkout_id, session_id)
        if owner is not None:
            async with self.database.transaction(owner) as tx:
                await ask(tx, Named(SESSION, session_id))

    async def _wanted(self, tx: Transaction, caller: MemberCaller, customer: Customer, wanted: Offer) -> UUID:
        """The checkout of this wish, taken with whatever it needs; under the organization's lock."""
        checkouts = CheckoutRepository(tx)
        under_way = await checkouts.under_way()
        if under_way is not None and under_way.offer == wanted:
            return under_way.id
        if under_way is not None:
            raise CheckoutOpen(checkout_id=str(under_way.id))
        if await checkouts.subscribed():
            raise AlreadySubscribed
        before = await checkouts.ever_subscribed()
        checkout_id = await self._add(tx, caller, CheckoutKind.SUBSCRIPTION, wanted)
        if wanted.trial_days and not await TrialRepository(tx).take(customer.id, checkout_id, wanted.plan):
            raise TrialSpent
        if wanted.promotion_code is not None:
            await redeeming.take(
                tx, checkout_id, wanted.promotion_code, wanted.plan, wanted.currency, subscribed_before=before
            )
        return checkout_id

    async def _add(self, tx: Transaction, caller: MemberCaller, kind: CheckoutKind, wanted: Offer | None) -> UUID:
        checkout_id = new_id()
        await CheckoutRepository(tx).add(checkout_id, kind, wanted, caller.person_id)
        plan = "" if wanted is None else wanted.plan
        await tx.emit(audited("billing.checkout.begun", caller, "checkout", checkout_id, kind=kind.value, plan=plan))
        return checkout_id

    async def _opened(self, organization_id: UUID, checkout_id: UUID) -> Shown:
        shown = await self._shown(organization_id, checkout_id)
        if shown.checkout.state is CheckoutState.OPENING:
            await self.ledger.perform(self._effect(KIND, organization_id, checkout_id))
            shown = await self._shown(organization_id, checkout_id)
        if shown.checkout.state is CheckoutState.REFUSED:
            raise CheckoutRefused(shown.checkout.reason, reason_code=shown.checkout.code)
        if shown.checkout.state is CheckoutState.OPENING:
            raise PaymentsUnavailable
        return shown

    async def _shown(self, organization_id: UUID, checkout_id: UUID) -> Shown:
        async with self.database.transaction(organization_id) as tx:
            checkout = await CheckoutRepository(tx).find(checkout_id)
        if checkout is None:
            raise CheckoutNotFound
        if checkout.url is None:
            return Shown(checkout, None)
        return Shown(checkout, (await self.keyring.open(organization_id, checkout.url, checkout.place)).decode())

    @staticmethod
    def _effect(kind: str, organization_id: UUID, checkout_id: UUID) -> Effect:
        return Effect(kind, Lane(organization_id, LANE), checkout_id)
