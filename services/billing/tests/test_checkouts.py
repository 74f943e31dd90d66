"""An organization subscribes on Stripe's page, once, whatever happens on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.billing import CheckoutCompleted, CheckoutStarted
from kit.ids import new_id
from kit.testing.programs import eventually

from .story import PRO, Story, problem

CREATING = {"path": "/stripe/v1/checkout/sessions", "method": "POST"}
CUSTOMERS = {"path": "/stripe/v1/customers", "method": "POST"}
CHECKOUTS = "/v1/billing/checkouts"


async def session_of(story: Story, organization_id: UUID) -> str:
    (row,) = await story.rows(
        "SELECT stripe_session_id FROM checkouts WHERE state = 'open'", organization_id=organization_id
    )
    return str(row["stripe_session_id"])


def over(client: httpx.AsyncClient, checkout_id: str) -> Callable[[], Awaitable[bool]]:
    """Whether it has ended."""

    async def is_over() -> bool:
        return (await client.get(f"{CHECKOUTS}/{checkout_id}")).json()["state"] not in ("opening", "open")

    return is_over


def begins(client: httpx.AsyncClient) -> Callable[[], Awaitable[bool]]:
    """Whether it can be begun, or has been."""

    async def is_begun() -> bool:
        return (await client.post(CHECKOUTS, json=PRO)).status_code != 503

    return is_begun


async def _return(client: httpx.AsyncClient, checkout_id: str, session_id: str) -> None:
    path = f"/v1/billing/checkout-returns/{checkout_id}"
    assert (await client.get(path, params={"session_id": session_id})).status_code == 303


async def test_whoever_pays_on_the_page_has_subscribed(story: Story) -> None:
    await story.sold()
    ours = await story.organization()
    client = story.client(ours)
    answer = await client.post(CHECKOUTS, json={**PRO, "seats": 2, "trial": True})
    assert answer.status_code == 201, answer.text
    begun = answer.json()
    assert (begun["state"], begun["plan"], begun["seats"], begun["trial_days"]) == ("open", "pro", 2, 14)
    assert begun["url"].startswith("http")
    session = await session_of(story, ours)
    await story.stripe.pay(session)
    back = await story.client(None).get(
        f"/v1/billing/checkout-returns/{begun['id']}", params={"session_id": session}, auth=None
    )
    assert (back.status_code, back.headers["location"]) == (303, f"http://console.test?checkout={begun['id']}")
    await story.until(over(client, begun["id"]))
    shown = (await client.get(f"{CHECKOUTS}/{begun['id']}")).json()
    assert (shown["state"], shown["url"]) == ("completed", None)
    events = await story.events(ours)
    assert [type(each) for each in events if isinstance(each, CheckoutStarted | CheckoutCompleted)] == [
        CheckoutStarted,
        CheckoutCompleted,
    ]
    (subscription,) = (await story.stripe.ask("/v1/subscriptions", status="all"))["data"]
    assert subscription["metadata"] == {"organization_id": str(ours), "row_id": begun["id"]}
    assert [item["quantity"] for item in subscription["items"]["data"]] == [1, 2]
    assert problem(await client.post(CHECKOUTS, json=PRO)) == (409, "already-subscribed")
    (trial,) = await story.rows("SELECT redeemed_at FROM trials", organization_id=ours)
    assert trial["redeemed_at"] is not None
    assert "billing.checkout.begun" in await story.actions(ours)


async def test_the_same_wish_is_the_same_page_and_another_one_waits(story: Story) -> None:
    await story.sold()
    ours, key = await story.organization(), {"idempotency-key": "one"}
    client = story.client(ours)
    first = (await client.post(CHECKOUTS, json=PRO, headers=key)).json()
    for headers in (key, {}):
        again = await client.post(CHECKOUTS, json=PRO, headers=headers)
        assert (again.status_code, again.json()["id"], again.json()["url"]) == (201, first["id"], first["url"])
    other = await client.post(CHECKOUTS, json={**PRO, "seats": 1})
    assert problem(other) == (409, "checkout-open")
    assert other.json()["checkout_id"] == first["id"]
    assert (await client.get("/v1/billing/eligibility")).json() == {
        "may_subscribe": False,
        "why_not": "checkout-open",
        "may_try": True,
        "open_checkout_id": first["id"],
    }
    cancelled = await client.post(f"{CHECKOUTS}/{first['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "expired")
    assert problem(await client.post(f"{CHECKOUTS}/{first['id']}/cancel")) == (409, "checkout-over")
    assert (await client.post(CHECKOUTS, json={**PRO, "seats": 1})).status_code == 201
    assert await story.stripe.count("/v1/checkout/sessions", status="open") == 1
    assert await story.stripe.count("/v1/customers") == 1
    assert len((await client.get(CHECKOUTS)).json()["items"]) == 2


@pytest.mark.parametrize(
    ("what", "how"),
    [
        (CUSTOMERS, {"kind": "drop_after_effect"}),
        (CREATING, {"kind": "drop_after_effect"}),
        (CREATING, {"kind": "error_after_effect", "status": 500}),
        (CREATING, {"kind": "refuse_before_effect", "status": 503}),
    ],
    ids=["customer cut off", "session cut off", "session 500", "session 503"],
)
async def test_an_answer_that_was_lost_is_had_by_asking_again(
    story: Story, what: dict[str, str], how: dict[str, Any]
) -> None:
    """Stripe has made it, or not, and nobody was told: one customer, one session, also when people press twice."""
    await story.sold()
    ours = await story.organization()
    client = story.client(ours)
    await story.stripe.fails({**how, "match": what, "times": 1})
    lost = await client.post(CHECKOUTS, json=PRO)
    assert lost.status_code == 503, lost.text
    await story.until(begins(client))
    answer = await client.post(CHECKOUTS, json=PRO)
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "open"
    assert await story.stripe.count("/v1/customers") == 1
    assert await story.stripe.count("/v1/checkout/sessions") == 1
    assert len([each for each in await story.events(ours) if isinstance(each, CheckoutStarted)]) == 1


async def test_pressed_by_many_at_once_it_is_one_customer_and_one_page(story: Story) -> None:
    await story.sold()
    ours = await story.organization()
    client = story.client(ours)
    answers = await asyncio.gather(*(client.post(CHECKOUTS, json=PRO) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 503}
    await eventually(begins(client))
    last = await client.post(CHECKOUTS, json=PRO)
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} <= {last.json()["id"]}
    assert await story.stripe.count("/v1/customers") == 1
    assert await story.stripe.count("/v1/checkout/sessions") == 1


@pytest.mark.parametrize(
    ("changed", "status", "code", "pointer"),
    [
        ({"plan": "platinum"}, 422, "plan-not-sold", "#/plan"),
        ({"plan": "free"}, 422, "plan-not-sold", "#/plan"),
        ({"currency": "kwd"}, 422, "plan-not-sold", "#/currency"),
        ({"currency": "EUR"}, 422, "invalid", "#/currency"),
        ({"seats": 1_001}, 422, "invalid", "#/seats"),
        ({"seats": -1}, 422, "invalid", "#/seats"),
        ({"interval": "week"}, 422, "invalid", "#/interval"),
        ({"price": "price_1"}, 422, "invalid", "#/price"),
        ({"promotion_code": "NO-SUCH-CODE"}, 422, "promotion-code-refused", "#/promotion_code"),
    ],
)
async def test_a_wish_that_cannot_be_met_names_the_field(
    story: Story, changed: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    client = story.client(await story.organization())
    answer = await client.post(CHECKOUTS, json={**PRO, **changed})
    assert problem(answer) == (status, code)
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_trial_is_had_once_and_given_back_when_nothing_was_bought(story: Story) -> None:
    await story.sold()
    ours, trying = await story.organization(), {**PRO, "trial": True}
    client = story.client(ours)
    first = (await client.post(CHECKOUTS, json=trying)).json()
    assert not (await client.get("/v1/billing/eligibility")).json()["may_try"]
    await client.post(f"{CHECKOUTS}/{first['id']}/cancel")
    assert (await client.get("/v1/billing/eligibility")).json()["may_try"]
    async with story.database.transaction(ours) as tx:
        await tx.execute(
            "INSERT INTO trials (organization_id, customer_id, checkout_id, plan) VALUES ($1, $2, $3, 'pro')",
            ours,
            new_id(),
            UUID(first["id"]),
        )
    assert problem(await client.post(CHECKOUTS, json=trying)) == (409, "trial-spent")
    assert (await client.post(CHECKOUTS, json=PRO)).status_code == 201


async def test_a_page_that_nobody_finishes_is_closed(story: Story) -> None:
    await story.sold()
    ours = await story.organization()
    client = story.client(ours)
    begun = (await client.post(CHECKOUTS, json={**PRO, "trial": True})).json()
    await story.forward(hours=25)
    await story.made.buying.ending.end_due()
    await story.until(over(client, begun["id"]))
    assert (await client.get(f"{CHECKOUTS}/{begun['id']}")).json()["state"] == "expired"
    assert await story.rows("SELECT * FROM trials", organization_id=ours) == []


async def test_another_organizations_checkout_is_none(story: Story) -> None:
    await story.sold()
    ours, theirs = await story.organization(), await story.organization()
    begun = (await story.client(ours).post(CHECKOUTS, json=PRO)).json()
    stranger = story.client(theirs)
    assert problem(await stranger.get(f"{CHECKOUTS}/{begun['id']}")) == (404, "checkout-not-found")
    assert problem(await stranger.post(f"{CHECKOUTS}/{begun['id']}/cancel")) == (404, "checkout-not-found")
    assert (await stranger.get(CHECKOUTS)).json()["items"] == []
    back = await stranger.get(
        f"/v1/billing/checkout-returns/{begun['id']}", params={"session_id": "cs_guessed"}, auth=None
    )
    assert back.status_code == 303
    assert await story.rows("SELECT * FROM readings", organization_id=ours) == []
    assert problem(await story.client(ours, "admin").post(CHECKOUTS, json=PRO)) == (403, "role-missing")


async def test_without_a_key_nothing_is_sold_and_that_is_said(place: Any, database: Any, sandbox_url: str) -> None:
    async with Story.told(place, database, sandbox_url, stripe_api_key="") as story:
        client = story.client(await story.organization())
        for path, body in ((CHECKOUTS, PRO), ("/v1/billing/card-updates", None)):
            answer = await client.post(path, json=body)
            assert problem(answer) == (503, "payments-off")
        assert (await client.get("/v1/billing/plans")).status_code == 200


async def test_another_card_given_on_a_page_is_charged_from_then_on(story: Story) -> None:
    await story.sold()
    ours = await story.organization()
    client = story.client(ours)
    begun = (await client.post(CHECKOUTS, json=PRO)).json()
    await story.stripe.pay(await session_of(story, ours))
    await _return(client, begun["id"], await session_of(story, ours))
    await story.until(over(client, begun["id"]))
    update = await client.post("/v1/billing/card-updates")
    assert update.status_code == 201, update.text
    session = await session_of(story, ours)
    await story.stripe.pay(session, card="5555555555554444")
    await _return(client, update.json()["id"], session)

    async def changed() -> bool:
        return "billing.card.changed" in await story.actions(ours)

    await story.until(changed)
    (customer,) = (await story.stripe.ask("/v1/customers"))["data"]
    card = customer["invoice_settings"]["default_payment_method"]
    (subscription,) = (await story.stripe.ask("/v1/subscriptions"))["data"]
    assert subscription["default_payment_method"] == card
    method = await story.stripe.ask(f"/v1/payment_methods/{card}")
    assert method["card"]["last4"] == "4444"


async def test_the_portal_is_opened_for_the_organizations_own_customer(story: Story) -> None:
    ours = await story.organization()
    client = story.client(ours)
    answer = await client.post("/v1/billing/portal-sessions", headers={"idempotency-key": "p"})
    assert answer.status_code == 201, answer.text
    again = await client.post("/v1/billing/portal-sessions", headers={"idempotency-key": "p"})
    assert again.json()["url"] == answer.json()["url"]
    assert "/stripe/pages/portal/" in answer.json()["url"]
