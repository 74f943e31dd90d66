"""The kinds `billing.checkout`, which opens a page, and `billing.checkout_expiry`, which closes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from billing.catalogue.repository import PriceRepository
from billing.checkouts import following
from billing.checkouts.model import Checkout, CheckoutKind, url_place
from billing.checkouts.pages import Asked, Places, lookup_keys, params, path_of
from billing.checkouts.repository import CheckoutRepository, Opened
from billing.coupons.repository import RedemptionRepository
from billing.customers.repository import CustomerRepository
from billing.grants.repository import GrantRepository
from billing.stripe_api import TIMING, Json, StripeApi
from contracts.billing import CheckoutStarted
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Found, Look, NotAccepted, Receipt, Refused, Settled, Status
from kit.seal import Keyring

KIND: Final = "billing.checkout"
EXPIRY: Final = "billing.checkout_expiry"
SESSION: Final = "checkout.session"


@dataclass(frozen=True, slots=True)
class PageOpening:
    """Opens a page for one organization; asked again, Stripe answers with the page it has made."""

    stripe: StripeApi
    keyring: Keyring
    places: Places

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Asked]:
        """The rows with what their pages need; one of an organization that is no customer is withdrawn."""
        ids = [entry.subject_id for entry in entries]
        checkouts = await CheckoutRepository(tx).by_ids(ids)
        customers = await CustomerRepository(tx).stripe_ids([each.organization_id for each in checkouts.values()])
        coupons = await RedemptionRepository(tx).coupon_of(ids)
        wanted = {key for each in checkouts.values() for key in lookup_keys(each)}
        prices = await PriceRepository(tx).stripe_ids(wanted)
        asked = {}
        for entry in entries:
            checkout = checkouts.get(entry.subject_id)
            customer = customers.get(checkout.organization_id) if checkout else None
            if checkout is not None and customer is not None:
                own = {key: prices[key] for key in lookup_keys(checkout) if key in prices}
                asked[entry.id] = Asked(checkout, customer, own, coupons.get(checkout.id))
        return asked

    async def call(self, entry: Entry, work: Asked) -> Receipt:
        """Open it, and seal its address.

        Raises:
            NotAccepted: a price is still on its way to Stripe.
        """
        if not work.complete:
            raise NotAccepted("The price is still on its way to Stripe.", code="price-missing")
        checkout = work.checkout
        path, asked = path_of(checkout.kind), params(work, self.places)

        async def find() -> Json | None:
            if checkout.kind is CheckoutKind.PORTAL:
                return None
            async for each in self.stripe.pages(path, {"customer": work.customer}):
                if each.get("client_reference_id") == str(checkout.id):
                    return each
            return None

        made = await self.stripe.make(path, asked, key=f"checkout-{checkout.id}", find=find)
        opened = Opened(made["id"], await self._sealed(checkout, made.get("url")), _moment(made.get("expires_at")))
        return Receipt(external_id=made["id"], said=f"attempt {entry.attempt}", result=opened)

    async def look(self, entry: Entry, work: Asked) -> Look:
        """Ask again."""
        return Found(await self.call(entry, work))

    async def _sealed(self, checkout: Checkout, url: str | None) -> bytes | None:
        if url is None:
            return None
        return await self.keyring.seal(checkout.organization_id, url.encode(), url_place(checkout.id))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Show the page, or say why there is none and give back what was taken for it."""
        organizations = tx.organization_ids
        for each in settled:
            await tx.bind(*filter(None, [each.entry.organization_id]))
            await GrantRepository(tx).lock()
            if each.status is Status.DONE and isinstance(each.result, Opened):
                await _opened(tx, each.entry.subject_id, each.result)
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                await _refused(tx, each)
        await tx.bind(*organizations)


async def _opened(tx: Transaction, checkout_id: UUID, opened: Opened) -> None:
    version = await CheckoutRepository(tx).opened(checkout_id, opened)
    checkout = await CheckoutRepository(tx).find(checkout_id)
    if version is not None and checkout is not None and checkout.offer is not None:
        await tx.emit(
            CheckoutStarted(
                organization_id=tx.organization_id,
                checkout_id=checkout_id,
                version=version,
                plan=checkout.offer.plan,
            )
        )


async def _refused(tx: Transaction, settled: Settled) -> None:
    if await CheckoutRepository(tx).refused(settled.entry.subject_id, settled.reason, settled.code):
        await following.give_back(tx, settled.entry.subject_id)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class PageExpiry:
    """Closes a page, so that nobody pays on it any more; one that was paid meanwhile is completed instead."""

    stripe: StripeApi

    name: str = EXPIRY
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, str]:
        """The sessions; a page that Stripe never made is withdrawn."""
        found = await CheckoutRepository(tx).by_ids([entry.subject_id for entry in entries])
        sessions = {entry.id: found.get(entry.subject_id) for entry in entries}
        return {key: each.stripe_session_id for key, each in sessions.items() if each and each.stripe_session_id}

    async def call(self, entry: Entry, work: str) -> Receipt:
        """Close it; where that is refused it is over, and what it came to is read."""
        path = f"/v1/checkout/sessions/{work}"
        try:
            session = await self.stripe.post(f"{path}/expire", key=f"checkout-expiry-{entry.subject_id}")
        except Refused:
            session = await self.stripe.get(path)
        return Receipt(external_id=work, result=session)

    async def look(self, entry: Entry, work: str) -> Look:
        """Ask again."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Write down what the page came to."""
        organizations = tx.organization_ids
        for each in settled:
            if each.status is Status.DONE and each.result is not None and each.entry.organization_id is not None:
                await tx.bind(each.entry.organization_id)
                await GrantRepository(tx).lock()
                await following.apply(tx, each.result)
        await tx.bind(*organizations)
