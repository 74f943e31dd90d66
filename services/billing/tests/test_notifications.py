"""Stripe's webhook, through its door: what is believed, what is kept, and what it leads to."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from billing.customers.repository import CustomerRepository, owners_of_customers
from billing.notifications.hints import hint_of
from billing.notifications.returning import Returning
from billing.notifications.source import StripeSource
from billing.readings.repository import ReadingRepository
from kit.db.database import Database
from kit.http.app import create_app
from kit.ids import new_id
from kit.intake.desk import ItemRecord
from kit.intake.intake import Intake
from kit.intake.model import Unreadable
from kit.intake.reducing import Reducer
from kit.intake.splitting import Splitter
from kit.ledger.model import Status
from kit.ledger.rows import states
from kit.seal import Keyring, LocalMasterKey
from kit.seal.sealer import Sealer

from .conftest import MASTER

OLD, NEW = "whsec_the_one_before", "whsec_sandbox"
PATH: Final = "/v1/webhooks/stripe"


def event(
    kind: str = "customer.subscription.updated", customer: str | None = "cus_1", **about: Any
) -> dict[str, Any]:
    named = {"id": "sub_1", "object": "subscription", "customer": customer, "status": "active", **about}
    return {
        "id": f"evt_{new_id().hex}",
        "object": "event",
        "type": kind,
        "created": 1_772_271_000,
        "api_version": "2026-08-26.dahlia",
        "data": {"object": named},
    }


class Post:
    """The door, and by hand what stands behind it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keyring = Keyring(database, LocalMasterKey(Sealer.from_text(MASTER)))
        self.source = StripeSource((NEW, OLD), database.clock, {"subscription", "invoice"}, (owners_of_customers,))
        self.intake = Intake(database, [self.source], self.keyring)
        app = create_app(service="billing", title="Billing", mounts={PATH: self.intake.asgi("stripe")})
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://billing.test")

    async def send(self, body: bytes, *, secret: str = NEW, age: int = 0, header: str | None = None) -> int:
        at = int(self.database.clock.timestamp()) - age
        signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        shown = f"t={at},v1={signature},v0=00" if header is None else header
        answer = await self.client.post(PATH, content=body, headers={"stripe-signature": shown})
        return answer.status_code

    async def tell(self, *events: dict[str, Any]) -> None:
        for each in events:
            assert await self.send(json.dumps(each).encode()) == 200
        await self.work()

    async def work(self) -> None:
        splitter = Splitter(self.database, self.keyring, self.source, lease=20)
        await splitter.register()
        await splitter.step()
        reducer = Reducer(self.database, self.keyring, self.source, lease=20)
        while await reducer.step():
            pass

    async def quarantined(self) -> list[ItemRecord]:
        return list(await self.intake.desk.list(source="stripe"))

    async def asked(self, organization_id: UUID) -> dict[str, int]:
        async with self.database.transaction(organization_id) as tx:
            rows = await tx.fetch("SELECT object_id, asked FROM readings ORDER BY object_id")
        return {row["object_id"]: row["asked"] for row in rows}

    async def customer(self, stripe_id: str) -> UUID:
        organization_id = new_id()
        async with self.database.transaction(organization_id) as tx:
            customers = CustomerRepository(tx)
            await customers.made((await customers.take(organization_id)).id, stripe_id)
        return organization_id


@pytest.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    made = Post(database)
    yield made
    await made.client.aclose()


async def test_an_event_leads_to_one_reading_of_what_it_names(post: Post, database: Database) -> None:
    ours, theirs = await post.customer("cus_1"), await post.customer("cus_2")
    first, second = event(), event()

    await post.tell(first, first, event(customer="cus_2", id="sub_2"))
    await post.tell(second, first)

    assert await post.asked(ours) == {"sub_1": 2}
    assert await post.asked(theirs) == {"sub_2": 1}
    async with database.transaction(ours) as tx:
        waiting = await ReadingRepository(tx).under_way("sub_1")
        assert waiting is not None
        found = await states(tx, "billing.reading", [waiting])
    assert found[waiting].status is Status.PENDING


@pytest.mark.parametrize("secret", [NEW, OLD])
async def test_while_the_secret_is_being_changed_both_are_good(post: Post, secret: str) -> None:
    assert await post.send(json.dumps(event()).encode(), secret=secret) == 200


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "whsec_forged"}, 403),
        ({"age": 301}, 403),
        ({"age": -301}, 403),
        ({"age": 299}, 200),
        ({"header": ""}, 403),
        ({"header": "t=1,v1=00"}, 403),
        ({"header": "nonsense"}, 403),
    ],
)
async def test_what_is_forged_or_stale_is_refused_and_leaves_nothing(
    post: Post, how: dict[str, Any], status: int
) -> None:
    assert await post.send(json.dumps(event()).encode(), **how) == status
    await post.work()
    assert len(await post.quarantined()) == (status == 200)


async def test_what_is_of_no_known_kind_is_kept_with_the_reason(post: Post) -> None:
    ours = await post.customer("cus_1")

    await post.tell(
        event("giraffe.fed", object="giraffe", id="gir_1"),
        event("invoice.paid", customer=None, object="invoice", id="in_1"),
        event("price.updated", customer=None, object="price", id="price_1"),
    )

    assert {item.kind: item.reason for item in await post.quarantined()} == {
        "giraffe.fed": "nobody here knows what to do with giraffe.fed",
        "invoice.paid": "nobody can say whose this invoice is",
    }
    assert await post.asked(ours) == {}


async def test_what_came_before_anybody_knew_the_customer_comes_again_once_it_is_known(post: Post) -> None:
    await post.tell(event(), event(customer="cus_9", id="sub_9"))
    returning = Returning(post.database, post.intake, (owners_of_customers,))
    await returning.replay_known()
    assert len(await post.quarantined()) == 2

    ours = await post.customer("cus_1")
    for _ in range(2):
        await returning.replay_known()
        await post.work()

    assert await post.asked(ours) == {"sub_1": 1}
    assert [item.reason for item in await post.quarantined()] == ["unknown cus_9"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"object":"event"}',
        b'{"object":"charge","id":"ch_1"}',
        b'{"object":"event","id":"","type":"a"}',
    ],
)
async def test_what_is_no_event_is_kept_as_unreadable(post: Post, body: bytes) -> None:
    assert await post.send(body) == 200
    await post.work()

    (kept,) = await post.intake.desk.unreadable(source="stripe")
    assert kept.reason


@pytest.mark.parametrize(
    ("about", "tenant"),
    [
        ({"customer": "cus_7"}, "cus_7"),
        ({"customer": {"id": "cus_7", "object": "customer"}}, "cus_7"),
        ({"customer": None, "object": "dispute", "payment_intent": "pi_1", "charge": "ch_1"}, "pi_1"),
        ({"customer": None, "object": "refund", "charge": "ch_1"}, "ch_1"),
        ({"object": "customer", "id": "cus_8", "customer": None}, "cus_8"),
        ({"customer": 7}, "nobody"),
    ],
)
def test_an_event_leads_to_its_customer(about: dict[str, Any], tenant: str) -> None:
    assert hint_of(json.dumps(event(**about)).encode()).tenant == tenant


def test_an_event_of_another_account_is_not_taken_for_ours() -> None:
    assert hint_of(json.dumps(event() | {"account": "acct_1"}).encode()).tenant == "account acct_1"


def test_a_thin_event_names_what_it_relates_to() -> None:
    thin = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "created": "2026-01-01T00:00:00Z",
        "related_object": {"id": "mtr_1", "type": "billing.meter"},
    }

    hint = hint_of(json.dumps(thin).encode())

    assert (hint.object.type, hint.object.id, hint.tenant, hint.occurred_at) == (
        "billing.meter",
        "mtr_1",
        "nobody",
        None,
    )


def test_an_event_that_nests_without_end_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        hint_of(b"[" * 100_000)
