"""Previewing changes of a subscription, asking for them, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.catalogue.catalogue import Catalogue
from billing.changes import requests
from billing.changes.errors import ChangeNotFound, ChangeUnderWay
from billing.changes.kind import KIND, effect
from billing.changes.model import (
    Action,
    Basis,
    Change,
    ChangeState,
    Wanted,
    When,
    amount_of,
    check,
    prices_of,
    prorated_at,
    target_of,
)
from billing.changes.prices import PriceIds
from billing.changes.repository import ChangeRepository
from billing.changes.requests import Invoice
from billing.errors import PaymentsOff, PaymentsUnavailable
from billing.grants.repository import GrantRepository
from billing.readings import reading
from billing.readings.repository import ReadingRepository
from billing.seats.repository import SeatRepository
from billing.stripe_api import Json, StripeApi
from billing.subscriptions.errors import NoSubscription
from billing.subscriptions.model import Offer, Subscription
from billing.subscriptions.repository import SubscriptionRepository
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import DomainError, TransientError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, NotAccepted, Parked, Refused, Unanswered

_TAKEN_OVER_AFTER: Final = timedelta(seconds=30)
"""When a worker carries a change out whose request has died."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a switch would come to; `invoice` is what it makes at once."""

    target: Offer
    when: When
    effective_at: datetime
    proration_at: datetime | None
    invoice: Invoice | None
    next_amount: int


@dataclass(frozen=True, slots=True)
class ChangeService:
    """What people do to their subscription."""

    database: Database
    ledger: Ledger
    stripe: StripeApi
    catalogue: Catalogue
    prices: PriceIds

    async def preview(self, caller: MemberCaller, wanted: Wanted) -> Preview:
        """What a switch would cost or give back, as Stripe computes it for this instant.

        Raises:
            NoSubscription, SubscriptionNotChangeable, NotSold, SeatsInUse, NothingToChange: it cannot be switched.
            PaymentsOff, PaymentsUnavailable: Stripe cannot say now.
        """
        self._on()
        async with self.database.transaction(caller.organization_id) as tx:
            subscription, now = await _current(tx), await ChangeRepository(tx).now()
            target, when = await self._target(tx, subscription, wanted, now)
        next_amount, end = amount_of(target, self.catalogue), subscription.seen.period_end
        if when is When.PERIOD_END:
            return Preview(target, when, end, None, None, next_amount)
        at = prorated_at(None, subscription, now)
        await self._find_prices(target)
        change = self._priced(_change(subscription, Action.SWITCH, now, target=target, when=when, at=at))
        invoice = await self._ask_stripe("/v1/invoices/create_preview", requests.preview(change))
        return Preview(target, when, at, at, requests.invoice_of(invoice), next_amount)

    async def switch(
        self, caller: MemberCaller, wanted: Wanted, proration_at: datetime | None, idempotency: Idempotency
    ) -> Change:
        """Switch to another plan, interval or number of seats.

        What is due at once is charged at once, and the switch is made only if that succeeds. Raises as `preview`, and

        Raises:
            PreviewTooOld: nobody can charge any more what was previewed.
            ChangeUnderWay: another change is with Stripe just now.
        """
        self._on()
        async with self.database.transaction(caller.organization_id) as tx:
            try:
                subscription, now = await _current(tx), await ChangeRepository(tx).now()
                target, _ = await self._target(tx, subscription, wanted, now)
            except DomainError:  # as it may be just because this very request was carried out before
                if earlier := await idempotency.claim(tx):
                    return await ChangeRepository(tx).find(earlier.resource_id)
                raise
        await self._find_prices(target)
        return await self._ask(caller, Action.SWITCH, idempotency, wanted, proration_at)

    async def change(self, caller: MemberCaller, action: Action, idempotency: Idempotency) -> Change:
        """Cancel at the end of the period, keep, pause or unpause.

        Raises:
            NoSubscription, SubscriptionNotChangeable, ChangeUnderWay, PaymentsOff: it cannot be done.
        """
        self._on()
        return await self._ask(caller, action, idempotency)

    async def find(self, caller: MemberCaller, change_id: UUID) -> Change:
        """One change.

        Raises:
            ChangeNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            return await ChangeRepository(tx).find(change_id)

    async def page(self, caller: MemberCaller, before: UUID | None, limit: int) -> Sequence[Change]:
        """Changes, the newest first, one more than the limit if there is."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await ChangeRepository(tx).page(before, limit)

    async def payment_link(self, caller: MemberCaller, change_id: UUID) -> tuple[str, datetime | None]:
        """Where the payer confirms or pays what a change waits for. Asked of Stripe each time and kept nowhere.

        Raises:
            ChangeNotFound: there is none, or it waits for no payment.
            PaymentsOff, PaymentsUnavailable: Stripe cannot say now.
        """
        change = await self.find(caller, change_id)
        if change.state is not ChangeState.REQUIRES_ACTION or change.invoice_id is None:
            raise ChangeNotFound("No payment is waited for.")
        self._on()
        invoice = await self._ask_stripe(f"/v1/invoices/{change.invoice_id}")
        url = invoice.get("hosted_invoice_url")
        if not url:
            raise ChangeNotFound("No payment is waited for any more.")
        return url, change.expires_at

    def _on(self) -> None:
        if not self.stripe.on:
            raise PaymentsOff

    async def _target(
        self, tx: Transaction, subscription: Subscription, wanted: Wanted, now: datetime
    ) -> tuple[Offer, When]:
        return target_of(wanted, subscription, self.catalogue, now, await SeatRepository(tx).count_taken())

    async def _find_prices(self, target: Offer) -> None:
        try:
            await self.prices.of([price for price in prices_of(target, self.catalogue) if price])
        except (NotAccepted, Parked, Unanswered, Refused) as trouble:
            raise PaymentsUnavailable from trouble

    def _priced(self, change: Change) -> Change:
        """With Stripe's ids of the prices that are switched to."""
        if change.target is None:
            return change
        plan, seat = prices_of(change.target, self.catalogue)
        ids = self.prices.known([plan] if seat is None else [plan, seat])
        basis = replace(change.basis, plan_price=ids[0], seat_price=None if seat is None else ids[1])
        return replace(change, basis=basis)

    async def _ask(
        self,
        caller: MemberCaller,
        action: Action,
        idempotency: Idempotency,
        wanted: Wanted | None = None,
        proration_at: datetime | None = None,
    ) -> Change:
        """Row first, in a commit with its effect; then done now, as somebody waits for it."""
        organization_id = caller.organization_id
        async with self.database.transaction(organization_id) as tx:
            if earlier := await idempotency.claim(tx):
                return await ChangeRepository(tx).find(earlier.resource_id)
            await GrantRepository(tx).lock()
            change = await self._new(tx, action, wanted, proration_at)
            await ChangeRepository(tx).add(change)
            await idempotency.remember(tx, change.id, change.version)
            await self.ledger.add(tx, effect(change, change.created_at + _TAKEN_OVER_AFTER))
            await tx.emit(
                audited(
                    "billing.subscription.change_asked",
                    caller,
                    "subscription",
                    change.subscription_id,
                    action=action.value,
                    change=str(change.id),
                )
            )
        await self._perform(effect(change))
        await self._read_again(organization_id, change.basis.subscription)
        return await self.find(caller, change.id)

    async def _new(
        self, tx: Transaction, action: Action, wanted: Wanted | None, proration_at: datetime | None
    ) -> Change:
        subscription, now = await _current(tx), await ChangeRepository(tx).now()
        check(action, subscription)
        pending = await self._make_way(tx, subscription)
        if wanted is None:
            return _change(subscription, action, now, pending_invoice=pending)
        target, when = await self._target(tx, subscription, wanted, now)
        at = prorated_at(proration_at, subscription, now) if when is When.NOW else None
        return self._priced(
            _change(subscription, action, now, target=target, when=when, at=at, pending_invoice=pending)
        )

    async def _make_way(self, tx: Transaction, subscription: Subscription) -> str | None:
        """Supersede what has not left yet; returns the invoice of a change that waits for its payment.

        What Stripe has accepted already is superseded once Stripe has accepted the new one.
        """
        changes, invoice = ChangeRepository(tx), None
        for older in await changes.open(subscription.id):
            if older.state is ChangeState.REQUIRES_ACTION:
                invoice = older.invoice_id
            elif older.state is ChangeState.PENDING:
                if older.id not in await self.ledger.cancel(tx, KIND, [older.id]):
                    raise ChangeUnderWay(retry_after=2)
                await changes.settle(older, ChangeState.SUPERSEDED)
        return invoice

    async def _perform(self, what: Effect) -> None:
        try:
            await self.ledger.perform(what)
        except TransientError:
            return  # a worker has it, or will

    async def _read_again(self, organization_id: UUID, stripe_id: str) -> None:
        """Bring the mirror up to what was just changed, so that the next request sees it."""
        async with self.database.transaction(organization_id) as tx:
            waiting = await ReadingRepository(tx).under_way(stripe_id)
        if waiting is not None:
            await self._perform(reading.effect(organization_id, waiting))

    async def _ask_stripe(self, path: str, preview: Json | None = None) -> Json:
        try:
            if preview is None:
                return await self.stripe.get(path)
            return await self.stripe.post(path, preview, key=f"preview-{new_id()}")
        except (NotAccepted, Parked, Unanswered, Refused) as trouble:
            raise PaymentsUnavailable from trouble


async def _current(tx: Transaction) -> Subscription:
    found = await SubscriptionRepository(tx).current()
    if found is None or not found.live:
        raise NoSubscription
    return found


def _change(
    subscription: Subscription,
    action: Action,
    now: datetime,
    *,
    target: Offer | None = None,
    when: When | None = None,
    at: datetime | None = None,
    pending_invoice: str | None = None,
) -> Change:
    seen = subscription.seen
    basis = Basis(
        subscription=seen.stripe_id,
        customer=seen.customer_id,
        plan_item=seen.plan_item,
        seat_item=seen.seat_item,
        schedule=seen.schedule_id,
        status=seen.status,
        interval=seen.offer.interval.value,
        period_end=int(seen.period_end.timestamp()),
        pending_invoice=pending_invoice,
    )
    return Change(
        id=new_id(),
        organization_id=subscription.organization_id,
        subscription_id=subscription.id,
        action=action,
        state=ChangeState.PENDING,
        basis=basis,
        created_at=now,
        target=target,
        when=when,
        proration_at=at,
        currency=seen.offer.currency,
    )
