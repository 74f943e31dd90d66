"""Refunds and links before the sandbox's Stripe: a refund is made once, whatever happens to the answer."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from billing.readings.model import Named
from billing.readings.reading import ask
from billing.refunds.kind import KIND, Refunding
from kit.ids import new_id
from kit.ledger.model import Entry, Found, Settled, Status

from .hearing import NOW
from .story import PRO, Story

REFUNDS = {"method": "POST", "path": "/stripe/v1/refunds"}


async def subscribed(story: Story) -> tuple[UUID, httpx.AsyncClient, dict[str, Any]]:
    """An organization that has paid for its first month; its owner, and the payment."""
    await story.sold()
    ours = await story.organization()
    owner = story.client(ours)
    assert (await owner.post("/v1/billing/checkouts", json=PRO)).status_code == 201
    (row,) = await story.rows("SELECT stripe_session_id AS session FROM checkouts", organization_id=ours)
    await story.stripe.pay(row["session"])
    (invoice,) = (await story.stripe.ask("/v1/invoices"))["data"]
    (intent,) = (await story.stripe.ask("/v1/payment_intents"))["data"]
    async with story.database.transaction(ours) as tx:
        await ask(tx, Named("invoice", invoice["id"]), Named("payment_intent", intent["id"]))
    await story.until(has(owner, "/v1/billing/payments", "succeeded"))
    (payment,) = (await owner.get("/v1/billing/payments")).json()["items"]
    return ours, owner, payment


def has(client: httpx.AsyncClient, path: str, state: str) -> Callable[[], Awaitable[bool]]:
    """Whether the newest is in this state."""

    async def is_so() -> bool:
        items = (await client.get(path)).json()["items"]
        return bool(items) and items[0]["state"] == state

    return is_so


def in_time(story: Story, is_so: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    """The same while time goes by quickly: absence is proven after two minutes."""

    async def later() -> bool:
        await story.forward(seconds=30)
        return await is_so()

    return later


async def refund(story: Story, ours: UUID, payment_id: str, **body: Any) -> httpx.Response:
    path = f"/v1/staff/billing/organizations/{ours}/payments/{payment_id}/refunds"
    return await story.staff("refunds.issue").post(path, json={"reason": "requested_by_customer", **body})


@pytest.mark.parametrize(
    "how",
    [
        {"kind": "drop_after_effect"},
        {"kind": "error_after_effect", "status": 500},
        {"kind": "refuse_before_effect", "status": 503},
    ],
    ids=["cut off", "500", "503"],
)
async def test_a_refund_whose_answer_was_lost_is_made_once(story: Story, how: dict[str, Any]) -> None:
    ours, owner, payment = await subscribed(story)
    assert payment["invoice_id"] is not None
    await story.stripe.fails({**how, "match": REFUNDS, "times": 1})
    assert (await refund(story, ours, payment["id"], amount=700)).status_code == 201
    await story.until(in_time(story, has(owner, "/v1/billing/refunds", "succeeded")))
    (made,) = (await story.stripe.ask("/v1/refunds"))["data"]
    assert (made["amount"], made["metadata"]["organization_id"]) == (700, str(ours))
    assert (await refund(story, ours, payment["id"])).status_code == 201
    await story.until(has(owner, "/v1/billing/refunds", "succeeded"))
    given_back = sum(each["amount"] for each in (await story.stripe.ask("/v1/refunds"))["data"])
    (shown,) = (await owner.get("/v1/billing/payments")).json()["items"]
    assert given_back == shown["refunded"] == shown["received"] == payment["received"]
    names = [type(each).__name__ for each in await story.events(ours)]
    assert names.count("RefundIssued") == 2
    assert (await refund(story, ours, payment["id"], amount=1)).status_code == 409


async def test_who_dies_between_stripes_answer_and_the_record_finds_the_refund_when_looking(story: Story) -> None:
    ours, owner, payment = await subscribed(story)
    asked = (await refund(story, ours, payment["id"], amount=100)).json()
    entry = Entry(new_id(), KIND, ours, "stripe", UUID(asked["id"]), 1, NOW, NOW, NOW)
    kind = Refunding(story.made.stripe)
    async with story.database.transaction(ours) as tx:
        work = (await kind.prepare(tx, [entry]))[entry.id]
    await kind.call(entry, work)  # and here the process is gone
    looked = await kind.look(entry, work)
    assert isinstance(looked, Found)
    receipt = looked.receipt
    for _ in range(2):
        async with story.database.transaction(ours) as tx:
            done = Settled(entry, Status.DONE, "look", NOW, NOW, receipt.external_id, result=receipt.result)
            await kind.record(tx, [done])
    assert [each["state"] for each in (await owner.get("/v1/billing/refunds")).json()["items"]] == ["succeeded"]
    assert await story.stripe.count("/v1/refunds") == 1


async def test_an_invoice_is_shown_by_a_link_that_is_asked_for_each_time(story: Story) -> None:
    ours, owner, payment = await subscribed(story)
    path = f"/v1/billing/invoices/{payment['invoice_id']}/link"
    link = await owner.get(path)
    assert (link.status_code, link.headers["cache-control"]) == (200, "no-store")
    assert link.json()["page"].startswith("http")
    assert (await story.client(ours, role="admin").get(path)).status_code == 403
    assert (await story.client(await story.organization()).get(path)).status_code == 404
    for table in ("invoices", "payments"):
        rows = await story.rows(f"SELECT {table}::text AS row FROM {table}", organization_id=ours)
        assert link.json()["page"] not in str(rows)
        assert "_secret_" not in str(rows)
