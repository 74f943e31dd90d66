"""Dying at any step of what stands around money: prices, coupons, details of invoices, cards, and pages that end."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import pytest

from billing.bootstrap import Selling
from billing.cards.kind import KIND as CARD
from billing.catalogue.catalogue import CATALOGUE
from billing.catalogue.model import Interval
from billing.catalogue.publishing import KIND as PRICE
from billing.catalogue.publishing import PLATFORM
from billing.catalogue.repository import PriceRepository
from billing.checkouts.model import CheckoutKind, CheckoutState, Wish
from billing.checkouts.repository import CheckoutRepository
from billing.coupons.model import Duration, Terms
from billing.coupons.service import NewCode
from billing.customers.telling import KIND as DETAILS
from billing.stripe_api import LANE
from kit.errors import TransientError
from kit.http.etag import Condition, etag, parse_tags
from kit.ids import new_id
from kit.ledger.model import Effect, Lane
from kit.ledger.rows import add

from .dying import STAFF, Deed, Process, keyed, mortal_process, owner_of
from .hearing import created
from .shop import Shop
from .test_crashes import at_stripe, everywhere, publish, rows


@pytest.fixture
async def process(shop: Shop) -> AsyncIterator[Process]:
    async with mortal_process(shop) as process:
        yield process


async def test_a_price_is_put_up_once_and_its_product_too(shop: Shop, process: Process) -> None:
    keys = [each.lookup_key for each in CATALOGUE.prices]
    async with shop.database.transaction() as tx:
        ids = await PriceRepository(tx).take_in(keys)

    def deed(price_id: UUID) -> Deed:
        return lambda made: made.ledger.perform(Effect(PRICE, PLATFORM, price_id))

    await everywhere(process, [deed(each) for each in ids], told_first=False)
    await process.recover()

    there = Counter(each["lookup_key"] for each in await at_stripe(shop, "/prices"))
    assert set(there.values()) == {1}
    products = Counter(each["name"] for each in await at_stripe(shop, "/products"))
    assert set(products.values()) == {1}
    async with shop.database.transaction() as tx:
        ours = [
            row["lookup_key"] for row in await tx.fetch("SELECT lookup_key FROM prices WHERE stripe_id IS NOT NULL")
        ]
    assert sorted(ours) == sorted(there), "what is at Stripe is what we hold"


async def test_a_coupon_is_made_once(shop: Shop, process: Process) -> None:
    def deed(number: int) -> Deed:
        terms, codes = Terms("Spring", Duration.ONCE, percent_off=20), [NewCode(f"SPRING-{number}", None)]
        return lambda made: made.buying.coupons.create(terms, codes, STAFF, keyed(number))

    await everywhere(process, [deed(number) for number in range(40)], told_first=False)

    there = Counter(each["metadata"]["row_id"] for each in await at_stripe(shop, "/coupons"))
    assert set(there.values()) == {1}
    async with shop.database.transaction() as tx:
        ours = await tx.fetch("SELECT id, state FROM coupons")
        codes = await tx.fetchval("SELECT count(*) FROM promotion_codes")
    assert {str(each["id"]) for each in ours} == set(there)
    assert {each["state"] for each in ours} == {"made"}
    assert codes == len(ours)


async def test_the_details_that_were_given_last_stand_on_invoices(shop: Shop, process: Process) -> None:
    ann = await shop.customer(on_clock=False)
    caller = owner_of(ann.organization_id)

    def deed(number: int) -> Deed:
        async def change(made: Selling) -> None:
            service = made.buying.customers
            given = {"memo": f"Order {number}", "tax_id_type": "eu_vat", "tax_id": f"DE{100_000_000 + number}"}
            with suppress(TransientError):  # who dies while a key is fetched tells those who wait for it
                customer, _ = await service.read(caller)
                saved, _ = await service.change(caller, given, Condition(parse_tags([etag(customer.version)])))
                assert saved.details_id is not None
                await made.ledger.perform(Effect(DETAILS, Lane(ann.organization_id, LANE), saved.details_id))

        return change

    steps = await process.steps(deed(0))
    for at in range(1, steps + 1):
        await process.die(at, deed(at))
        await process.recover(31, 31)
        _, details = await shop.made.buying.customers.read(caller)
        customer = await shop.at_stripe("GET", f"/customers/{ann.stripe_id}")
        tax_ids = [each["value"] for each in await at_stripe(shop, f"/customers/{ann.stripe_id}/tax_ids")]
        seen = (customer["invoice_settings"]["footer"], tax_ids)
        assert seen == (details.memo, [details.tax_id]), f"died at step {at} of {steps}"


async def test_the_card_that_was_given_is_the_one_that_is_charged(shop: Shop, process: Process) -> None:
    await shop.put_up_all()
    ann = await shop.customer(on_clock=False)
    subscription = await shop.subscribe(ann)

    async def given() -> UUID:
        """A page on which they have given another card."""
        asked = {"customer": ann.stripe_id, "payment_method": "pm_card_visa", "confirm": True}
        setup = await shop.at_stripe("POST", "/setup_intents", asked | {"usage": "off_session"})
        checkout_id = new_id()
        async with shop.database.transaction(ann.organization_id) as tx:
            checkouts = CheckoutRepository(tx)
            await checkouts.add(checkout_id, CheckoutKind.CARD, None, None)
            await checkouts.ended(checkout_id, CheckoutState.COMPLETED, f"cs_{checkout_id}", setup_id=setup["id"])
        return checkout_id

    def deed(checkout_id: UUID) -> Deed:
        effect = Effect(CARD, Lane(ann.organization_id, LANE), checkout_id)

        async def change(made: Selling) -> None:
            async with made.ledger.database.transaction(ann.organization_id) as tx:
                await add(tx, [effect])
            await made.ledger.perform(effect)

        return change

    steps = await process.steps(deed(await given()))
    for at in range(3, steps + 1):
        checkout_id = await given()
        await process.die(at, deed(checkout_id))
        await process.recover(31, 31)
        await deed(checkout_id)(shop.made)
        [page] = await rows(shop, ann, f"SELECT stripe_setup_id FROM checkouts WHERE id = '{checkout_id}'")
        card = (await shop.at_stripe("GET", f"/setup_intents/{page['stripe_setup_id']}"))["payment_method"]
        customer = await shop.at_stripe("GET", f"/customers/{ann.stripe_id}")
        own = (await shop.at_stripe("GET", f"/subscriptions/{subscription}"))["default_payment_method"]
        assert {customer["invoice_settings"]["default_payment_method"], own} == {card}, f"died at {at} of {steps}"


async def test_a_page_that_was_given_up_is_closed_on_both_sides(shop: Shop, process: Process) -> None:
    await publish(shop)
    wish = Wish("pro", Interval.MONTH, "eur", 0, None, False)
    pages = dict[UUID, UUID]()
    for _ in range(40):
        organization_id = new_id()
        await shop.ear.hear(created(organization_id))
        shown = await shop.made.buying.checkouts.subscribe(owner_of(organization_id), wish, keyed(organization_id))
        pages[organization_id] = shown.checkout.id

    steps = await process.steps(lambda made: _cancelled(made, *next(iter(pages.items()))))
    dies = range(1, steps + 1, 2)
    given_up = list(pages.items())[: len(dies) + 1]
    for at, page in zip(dies, given_up[1:], strict=True):
        await process.die(at, lambda made, page=page: _cancelled(made, *page))  # type: ignore[misc]
    await process.recover()

    there = {each["client_reference_id"]: each["status"] for each in await at_stripe(shop, "/checkout/sessions")}
    closed = 0
    for organization_id, checkout_id in given_up:
        state = (await shop.made.buying.checkouts.read(owner_of(organization_id), checkout_id)).checkout.state
        assert (state.value, there[str(checkout_id)]) in {("expired", "expired"), ("open", "open")}
        closed += state is CheckoutState.EXPIRED
    assert closed > len(given_up) // 2
    others = {there[str(checkout_id)] for checkout_id in list(pages.values())[len(given_up) :]}
    assert others == {"open"}, "nobody else's was closed"


async def _cancelled(made: Selling, organization_id: UUID, checkout_id: UUID) -> None:
    with suppress(TransientError):
        await made.buying.checkouts.cancel(owner_of(organization_id), checkout_id)
