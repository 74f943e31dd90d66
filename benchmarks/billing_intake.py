"""How fast Stripe's webhooks are taken in, counted as hints, and applied once they were read.

Taken in: the real door with Stripe's signature, each answered after its own commit, beside the same door that stores
nothing; the server has a core to itself, wrk and PostgreSQL share the other. Hints: one worker, from stored
deliveries to verdicts, with the rows that have what they name read again. Applied: one worker, from Stripe's answers
to mirror, plan in force and facts, in batches as the ledger records them; Stripe's own answering is not in it.
"""

import asyncio
import hmac
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from benchmarks import harness, peers
from benchmarks.harness import Result, Size
from benchmarks.intake import NotStored, Sender
from billing import migrations
from billing.catalogue.catalogue import CATALOGUE
from billing.changes.settling import settle_open
from billing.customers.repository import CustomerRepository, owners_of_customers
from billing.entitlements.service import begin
from billing.grants.repository import GrantRepository
from billing.notifications.source import NAME, StripeSource
from billing.readings.model import Named, Reading
from billing.readings.reading import KIND, ReadingKind, ask
from billing.readings.repository import ReadingRepository
from billing.stripe_api import StripeApi
from billing.subscriptions.following import TYPE, SubscriptionReader
from billing.subscriptions.seeing import seen_of
from kit.clock import SystemClock
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.serving import serve
from kit.ids import new_id
from kit.intake.intake import Intake
from kit.intake.receiving import Door
from kit.intake.storing import Store
from kit.ledger.model import Entry, Settled, Status
from kit.messaging.wakeup import Hint
from kit.process import Loop, in_order, run, supervise
from kit.telemetry import logging
from kit.testing.databases import Databases
from kit.testing.letters import keyring

SERVER: Final = 0
SECRET: Final = "whsec_of_the_benchmark"
PATH: Final = "/v1/webhooks/stripe"
ROUNDS: Final = {"short": 2, "full": 5}
SECONDS: Final = 2
CUSTOMERS: Final = {"short": 100, "full": 1_000}
EVENTS: Final = {"short": 5_000, "full": 50_000}
BATCH: Final = 200
FORMS: Final = {"not stored": NotStored, "stored": Store}
OFF: Final = StripeApi("", "http://127.0.0.1:9", "2026-08-26.dahlia")


def source(database: Database) -> StripeSource:
    """Stripe's webhook as billing has it."""
    return StripeSource((SECRET,), database.clock, frozenset({TYPE}), (owners_of_customers,))


def event(number: int, customers: int) -> bytes:
    """An event about the one subscription of one of so many customers, of the size that Stripe's have."""
    customer = number % customers
    about = {**subscription(customer), "description": "x" * 2_500}
    made = {
        "id": f"evt_{number}",
        "object": "event",
        "type": "customer.subscription.updated",
        "data": {"object": about},
    }
    return json.dumps(made).encode()


def subscription(customer: int, key: str = "pro_month_eur_v1") -> dict[str, Any]:
    """A subscription as Stripe shows it, as far as it is read."""
    now = int(SystemClock().timestamp())
    price = {"id": "price_1", "lookup_key": key, "currency": "eur", "recurring": {"interval": "month"}}
    item = {"id": "si_1", "price": price, "current_period_start": now, "current_period_end": now + 2_592_000}
    return {
        "id": f"sub_{customer}",
        "object": "subscription",
        "customer": f"cus_{customer}",
        "status": "active",
        "created": now,
        "start_date": now,
        "items": {"data": [item]},
    }


def signed(body: bytes) -> dict[str, str]:
    """Stripe's signature of now; it is good for five minutes."""
    at = int(SystemClock().timestamp())
    digest = hmac.new(SECRET.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    return {"stripe-signature": f"t={at},v1={digest}", "content-type": "application/json"}


async def server(form: str, url: str, port: int, stop: asyncio.Event) -> None:
    """A service with this webhook and nothing else, with hints to its workers as in production."""
    logging.configure("bench", "warning")
    database = await Database.open(url, name="bench", pool_size=16, max_waiting=1000)
    hint = Hint(url, "billing")
    database.hinted = hint.notify
    door = Door(source(database), FORMS[form](database, keyring(database)))
    app = create_app(service="bench", title="Bench", mounts={PATH: door})
    try:
        await in_order(stop, partial(serve, app, "127.0.0.1", port), partial(supervise, [Loop("hint", hint.run)]))
    finally:
        await database.close()


async def measure(size: Size) -> Sequence[Result]:
    """Rates of each stage."""
    databases = Databases()
    try:
        return [await taken_in(databases, ROUNDS[size]), *await followed(databases, CUSTOMERS[size], EVENTS[size])]
    finally:
        await databases.close()


async def taken_in(databases: Databases, rounds: int) -> Result:
    """Both forms in turns, each on an empty table."""
    name = "Stripe's webhooks stored, against not stored"
    try:
        wrk = peers.wrk()
    except peers.Missing as missing:
        return Result(name, "req/s", bar=0.4, missing=str(missing))
    rates: dict[str, list[float]] = {form: [] for form in FORMS}
    body = event(1, 1)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for form, found in rates.items():
                place = await databases.clone({"billing": migrations})
                sender = Sender(wrk, Path(folder), body, signed(body), PATH)
                async with harness.serving(SERVER, "benchmarks.billing_intake", form, place.url("billing")) as port:
                    found.append(await sender.most(port, SECONDS))
    return Result(name, "req/s", rates["stored"], rates["not stored"], 0.4)


async def followed(databases: Databases, customers: int, events: int) -> list[Result]:
    """From stored deliveries to hints, and from answers to rows and facts."""
    place = await databases.clone({"billing": migrations})
    database = await Database.open(place.url("billing"), name="bench", pool_size=8)
    try:
        organizations = [await customer(database, number) for number in range(customers)]
        hints = await hinted(database, customers, events)
        first = await applied(database, organizations, "pro_month_eur_v1")
        again = await applied(database, organizations, "agency_month_eur_v1", hint=True)
    finally:
        await database.close()
    return [
        Result(f"hints counted, {customers:,} customers", "events/s", [hints]),
        Result("subscriptions seen first and applied", "readings/s", [first]),
        Result("subscriptions changed and applied", "readings/s", [again]),
    ]


async def customer(database: Database, number: int) -> UUID:
    """An organization that billing knows, and that is a customer."""
    organization_id = new_id()
    async with database.transaction(organization_id) as tx:
        await tx.execute(
            "INSERT INTO organizations (organization_id, version, created_at) VALUES ($1, 1, kit_now())",
            organization_id,
        )
        await GrantRepository(tx).lock()
        await begin(tx)
        made = await CustomerRepository(tx).take(organization_id)
        await CustomerRepository(tx).made(made.id, f"cus_{number}")
    return organization_id


async def hinted(database: Database, customers: int, events: int) -> float:
    """Events per second of one worker, from stored deliveries to verdicts."""
    store = Store(database, keyring(database))
    for start in range(0, events, 500):
        numbers = range(start, min(start + 500, events))
        await asyncio.gather(*(store.put(NAME, event(number, customers)) for number in numbers))
    stop, intake = asyncio.Event(), Intake(database, [source(database)], keyring(database))
    started = time.perf_counter()
    working = asyncio.create_task(supervise(intake.loops(), stop))
    while True:
        await asyncio.sleep(0.1)
        rows = await database.statement("SELECT count(*) AS n FROM intake_items WHERE verdict = 'applied'")
        if rows[0]["n"] >= events:
            break
    seconds = time.perf_counter() - started
    stop.set()
    await working
    return events / seconds


async def applied(database: Database, organizations: Sequence[UUID], key: str, *, hint: bool = False) -> float:
    """Readings per second of one worker, from Stripe's answers to the commit."""
    kind = ReadingKind([SubscriptionReader(OFF, CATALOGUE, settle_open)])
    if hint:
        await hinted_by_hand(database, organizations)
    waiting = [(number, await under_way(database, each, number)) for number, each in enumerate(organizations)]
    started = time.perf_counter()
    for place in range(0, len(waiting), BATCH):
        batch = waiting[place : place + BATCH]
        bound = [organizations[number] for number, _ in batch]
        entries = [entry(organizations[number], effect_id) for number, effect_id in batch]
        async with database.transaction(*bound) as tx:
            tickets = await kind.prepare(tx, entries)
        now = database.clock.now()
        settled = [
            Settled(
                each,
                Status.DONE,
                "call",
                now,
                now,
                f"sub_{number}",
                result=Reading(tickets[each.id], seen_of(subscription(number, key), CATALOGUE)),
            )
            for each, (number, _) in zip(entries, batch, strict=True)
        ]
        async with database.transaction(*bound) as tx:
            await kind.record(tx, settled)
    return len(waiting) / (time.perf_counter() - started)


async def hinted_by_hand(database: Database, organizations: Sequence[UUID]) -> None:
    """One hint more for each."""

    for number, organization_id in enumerate(organizations):
        async with database.transaction(organization_id) as tx:
            await ask(tx, Named(TYPE, f"sub_{number}"))


async def under_way(database: Database, organization_id: UUID, number: int) -> UUID:
    """The reading that waits."""

    async with database.transaction(organization_id) as tx:
        found = await ReadingRepository(tx).under_way(f"sub_{number}")
    if found is None:
        raise AssertionError("no reading waits")
    return found


def entry(organization_id: UUID, effect_id: UUID) -> Entry:
    """A reading as a worker of the ledger holds it."""
    now = SystemClock().now()
    return Entry(new_id(), KIND, organization_id, "stripe", effect_id, 1, now, now, now)


if __name__ == "__main__":
    if sys.argv[1:2] == ["server"]:
        run(partial(server, sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        harness.run("billing_intake", measure)
