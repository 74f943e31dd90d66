"""Whoever dies at any step, before Stripe's answer, after it, or in our commit: each wish has one effect."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

import pytest

from billing.bootstrap import Selling
from billing.catalogue.model import Interval
from billing.changes.model import Action, Wanted, When
from billing.checkouts.model import CheckoutState, Wish
from billing.claims.handlers import on_subscription_claimed
from billing.claims.kind import effect as claim_effect
from billing.credit_notes.kind import effect as note_effect
from billing.credit_notes.service import Correction, CreditNoteService
from billing.payments.service import PaymentService
from billing.purchases.service import PurchaseService
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.readings.reading import effect as reading_effect
from billing.refunds.kind import effect as refund_effect
from billing.refunds.service import Order, RefundService
from contracts.auth import SubscriptionClaimed
from kit.errors import TransientError
from kit.ids import new_id

from .dying import STAFF, Deed, Process, keyed, mortal_process, owner_of
from .hearing import NOW, created
from .shop import Customer, Shop

S = TypeVar("S")
_TURNS = ("SubscriptionCancelling", "SubscriptionKept")
LOOKED_FOR = (130, 130, 310)
"""Seconds after which what left no trace is taken to be absent, and asked for again."""


@pytest.fixture
async def process(shop: Shop) -> AsyncIterator[Process]:
    async with mortal_process(shop) as process:
        yield process


@pytest.fixture
async def ann(shop: Shop) -> Customer:
    await shop.put_up_all()
    customer = await shop.customer(on_clock=False)
    await shop.subscribe(customer)
    return customer


def of(made: Selling, service: type[S]) -> S:
    """The one that answers for money."""
    return next(each for each in made.money if isinstance(each, service))


async def rows(shop: Shop, customer: Customer, sql: str) -> list[dict[str, Any]]:
    async with shop.database.transaction(customer.organization_id) as tx:
        return [dict(row) for row in await tx.fetch(sql)]


async def at_stripe(shop: Shop, path: str, **asked: Any) -> list[dict[str, Any]]:
    return [dict(each) async for each in shop.made.stripe.pages(f"/v1{path}", asked)]


async def everywhere(
    process: Process, deeds: Sequence[Deed], *recovers: float, told_first: bool, every: int = 1
) -> None:
    """Live through the first deed, die at each step of one of the others, recover, and ask for all of them again."""
    steps = range(1, await process.steps(deeds[0]) + 1, every)
    assert 5 < len(steps) < len(deeds), steps
    for at, deed in zip(steps, deeds[1:], strict=False):
        await process.die(at, deed)
    await process.recover(*recovers, told_first=told_first)
    for deed in deeds[: len(steps) + 1]:
        await deed(process.shop.made)
    await process.recover(1)


async def test_a_customer_and_a_page_are_made_once(shop: Shop, process: Process) -> None:
    await publish(shop)
    wish = Wish("pro", Interval.MONTH, "eur", 0, None, False)
    organizations = [new_id() for _ in range(90)]
    for each in organizations:
        await shop.ear.hear(created(each))

    def deed(organization_id: UUID) -> Deed:
        caller = owner_of(organization_id)
        return lambda made: made.buying.checkouts.subscribe(caller, wish, keyed(organization_id))

    await everywhere(process, [deed(each) for each in organizations], told_first=True)

    customers = Counter(each["metadata"]["organization_id"] for each in await at_stripe(shop, "/customers"))
    pages = Counter(each["client_reference_id"] for each in await at_stripe(shop, "/checkout/sessions"))
    assert set(customers.values()) == set(pages.values()) == {1}
    for each in organizations[: customers.total()]:
        shown = (await shop.made.buying.checkouts.subscribe(owner_of(each), wish, keyed(each))).checkout
        assert (shown.state, str(shown.id) in pages, str(each) in customers) == (CheckoutState.OPEN, True, True)


async def test_a_refund_is_made_once(shop: Shop, process: Process, ann: Customer) -> None:
    [payment] = await rows(shop, ann, "SELECT id FROM payments")

    def deed(number: int) -> Deed:
        async def refund(made: Selling) -> None:
            service = of(made, RefundService)
            order = Order(payment["id"], 10 + number, "requested_by_customer")
            asked = await service.ask(ann.organization_id, order, STAFF, keyed(number))
            await made.ledger.perform(refund_effect(ann.organization_id, asked.id))

        return refund

    await everywhere(process, [deed(number) for number in range(60)], *LOOKED_FOR, told_first=False)

    theirs = {each["metadata"]["row_id"]: each["amount"] for each in await at_stripe(shop, "/refunds")}
    ours = await rows(shop, ann, "SELECT id, amount, state FROM refunds")
    assert {str(each["id"]): each["amount"] for each in ours} == theirs
    assert {each["state"] for each in ours} == {"succeeded"}
    assert sorted(theirs.values()) == [10 + number for number in range(len(theirs))], "each was asked for once"
    [kept] = await rows(shop, ann, "SELECT received - refunded AS left FROM payments")
    assert kept["left"] == await shop.charged(ann) == 4_900 - sum(theirs.values())


async def test_a_credit_note_is_issued_once(shop: Shop, process: Process, ann: Customer) -> None:
    [invoice] = await rows(shop, ann, "SELECT id FROM invoices")

    def deed(number: int) -> Deed:
        async def correct(made: Selling) -> None:
            wish = Correction(invoice["id"], 10 + number, "other")
            asked = await of(made, CreditNoteService).ask(ann.organization_id, wish, STAFF, keyed(number))
            await made.ledger.perform(note_effect(ann.organization_id, asked.id))

        return correct

    await everywhere(process, [deed(number) for number in range(60)], *LOOKED_FOR, told_first=True)

    theirs = {each["metadata"]["row_id"]: each["amount"] for each in await at_stripe(shop, "/credit_notes")}
    ours = await rows(shop, ann, "SELECT id, amount, state FROM credit_notes")
    assert {str(each["id"]): each["amount"] for each in ours} == theirs
    assert {each["state"] for each in ours} == {"issued"}
    assert sorted(theirs.values()) == [10 + number for number in range(len(theirs))]
    customer = await shop.at_stripe("GET", f"/customers/{ann.stripe_id}")
    assert customer["balance"] == -sum(theirs.values())


async def test_an_invoice_that_is_paid_again_is_charged_once(shop: Shop, process: Process) -> None:
    ann = await shop.customer(on_clock=False)
    for number in range(26):
        item = {"customer": ann.stripe_id, "amount": 1_000 + number, "currency": "eur"}
        draft = await shop.at_stripe("POST", "/invoices", {"customer": ann.stripe_id, "auto_advance": False})
        await shop.at_stripe("POST", "/invoiceitems", {**item, "invoice": draft["id"]})
        await shop.at_stripe("POST", f"/invoices/{draft['id']}/finalize", {"auto_advance": False})
    await shop.follow()
    invoices = await rows(shop, ann, "SELECT id, stripe_id FROM invoices WHERE status = 'open'")
    assert len(invoices) == 26

    def deed(invoice_id: UUID) -> Deed:
        caller = owner_of(ann.organization_id)
        return lambda made: of(made, PaymentService).pay(caller, invoice_id, keyed(invoice_id))

    await everywhere(process, [deed(each["id"]) for each in invoices], told_first=False, every=2)

    pays = await rows(shop, ann, "SELECT invoice_id, state FROM invoice_pays")
    paid = [each for each in await shop.invoices(ann) if each["status"] == "paid"]
    assert {each["state"] for each in pays} == {"succeeded"}
    assert len(pays) == len({each["invoice_id"] for each in pays}) == len(paid)
    assert await shop.charged(ann) == sum(each["total"] for each in paid)
    [sums] = await rows(shop, ann, "SELECT sum(received) AS received, count(*) AS payments FROM payments")
    assert (sums["received"], sums["payments"]) == (sum(each["total"] for each in paid), len(invoices))


async def test_a_reading_that_was_not_recorded_is_applied_once(shop: Shop, process: Process, ann: Customer) -> None:
    """Stripe says something new each time: told of in order, once, and whatever was said last is what we hold."""
    subscription = (await shop.mirror(ann)).seen.stripe_id
    named = Named("subscription", subscription)
    before = len(await shop.told(ann))

    async def read(made: Selling) -> None:
        async with made.ledger.database.transaction(ann.organization_id) as tx:
            await ask(tx, named)
            effect_id = await tx.fetchval("SELECT effect_id FROM readings WHERE object_id = $1", subscription)
        with suppress(TransientError):  # it is under way already, by somebody who is dead
            await made.ledger.perform(reading_effect(ann.organization_id, effect_id))

    steps = await process.steps(read)
    for at in range(1, steps + 1):
        await shop.at_stripe("POST", f"/subscriptions/{subscription}", {"cancel_at_period_end": at % 2 == 1})
        await process.die(at, read)
        if at % 3 == 0:
            await process.recover(0.2, 1.1)
    await process.recover(0.2, 1.1, 10)

    cancelling = (await shop.mirror(ann)).seen.cancel_at is not None
    assert cancelling is (steps % 2 == 1)
    told = [type(each).__name__ for each in (await shop.told(ann))[before:]]
    turns = [each for each in told if each in _TURNS]
    assert turns == [_TURNS[number % 2] for number in range(len(turns))], "each was told once, in turn"
    assert (len(turns) % 2 == 1) is cancelling


@pytest.mark.parametrize(
    ("actions", "ends"),
    [
        ((Action.CANCEL, Action.KEEP), {"cancelling", "active"}),
        ((Action.PAUSE, Action.UNPAUSE), {"paused", "active"}),
        ((Action.SWITCH, Action.KEEP), {"active"}),
    ],
    ids=["cancel and keep", "pause and go on", "a lower plan at the end, and not after all"],
)
async def test_a_change_is_made_once_and_both_sides_agree(
    shop: Shop, process: Process, ann: Customer, actions: tuple[Action, Action], ends: set[str]
) -> None:
    caller = owner_of(ann.organization_id)

    def deed(action: Action, number: int) -> Deed:
        wanted = Wanted(plan="creator", when=When.PERIOD_END)
        if action is Action.SWITCH:
            return lambda made: made.changes.switch(caller, wanted, None, keyed(number))
        return lambda made: made.changes.change(caller, action, keyed(number))

    most = max([await process.steps(deed(action, number)) for number, action in enumerate(actions)])
    for number, at in enumerate(range(most - 20, most + 1, 3), len(actions)):
        action = actions[number % 2]
        await process.die(at, deed(action, number))
        await process.recover(31, 31, told_first=number % 4 > 1)
        changed = await deed(action, number)(shop.made)
        found = await shop.made.changes.find(caller, changed.id)
        assert found.state.value in {"applied", "scheduled"}, f"{action} died at step {at} of {most}"
        assert (await ann.get())["state"] in ends

    changes = (await ann.get("/changes"))["items"]
    assert Counter(each["action"] for each in changes) == Counter(
        actions[number % 2].value for number in range(len(changes))
    )
    seen = await shop.at_stripe("GET", f"/subscriptions/{(await shop.mirror(ann)).seen.stripe_id}")
    listed = await at_stripe(shop, "/subscription_schedules")
    schedules = [each["id"] for each in listed if each["status"] == "active"]
    mirror = (await shop.mirror(ann)).seen
    assert (mirror.cancel_at is None, mirror.paused) == (seen["cancel_at"] is None, bool(seen["pause_collection"]))
    assert mirror.schedule_id == seen["schedule"]
    assert schedules == [each for each in (seen["schedule"],) if each is not None]
    assert await shop.charged(ann) == 4_900, "nothing of this costs anything"


async def test_what_a_guest_bought_is_linked_once(shop: Shop, process: Process) -> None:
    await publish(shop)
    wish = Wish("creator", Interval.MONTH, "eur", 0, None, False)
    organizations, codes = list[UUID](), dict[UUID, str]()
    for _ in range(30):
        bought = await of(shop.made, PurchaseService).begin(wish)
        session = bought.url.rsplit("/", 1)[-1]
        await shop.control(f"checkout/{session}/pay", card="4242424242424242", country="DE", email="guest@acme.test")
        organizations.append(new_id())
        codes[organizations[-1]] = hashlib.sha256(bought.claim_code.encode()).hexdigest()
        await shop.ear.hear(created(organizations[-1]))

    def deed(organization_id: UUID) -> Deed:
        claim_id = UUID(int=organization_id.int ^ 1)
        event = SubscriptionClaimed(
            organization_id=organization_id,
            time=NOW,
            claim_id=claim_id,
            code_hash=codes[organization_id],
            claimed_by=claim_id,
        )

        async def claim(made: Selling) -> None:
            async with made.ledger.database.transaction(organization_id) as tx:
                await on_subscription_claimed(event, tx)
            await made.ledger.perform(claim_effect(organization_id, claim_id))

        return claim

    await everywhere(process, [deed(each) for each in organizations], 2, 15, told_first=False, every=2)

    claimed = 0
    for each in organizations:
        async with shop.database.transaction(each) as tx:
            states = [row["state"] for row in await tx.fetch("SELECT state FROM claims")]
        claimed += len(states)
        plan = (await shop.ear.organization(each)).plan
        facts = await shop.ear.facts(each)
        assert (states, plan, facts.count("SubscriptionLinked")) in ([([], "free", 0), (["linked"], "creator", 1)])
    assert claimed > 10
    assert len(await at_stripe(shop, "/subscriptions")) == len(organizations), "what was bought was bought once"


async def publish(shop: Shop) -> None:
    """Have prices in our rows and at Stripe."""
    from billing.catalogue.publishing import KIND, PLATFORM
    from billing.catalogue.repository import PriceRepository
    from kit.ledger.model import Effect

    async with shop.database.transaction() as tx:
        ids = await PriceRepository(tx).take_in(["pro_month_eur_v1", "creator_month_eur_v1"])
    for price_id in ids:
        await shop.made.ledger.perform(Effect(KIND, PLATFORM, price_id))
