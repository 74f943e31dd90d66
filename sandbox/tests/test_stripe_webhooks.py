from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from .conftest import Faults, until
from .hook import Hook, listening
from .stripe_account import VERSION, refuse_other_shape, sdk, signed


@pytest.fixture
async def client(http: httpx.AsyncClient) -> AsyncIterator[stripe.StripeClient]:
    async with sdk(http) as client:
        yield client


@pytest.fixture
async def hook(http: httpx.AsyncClient) -> AsyncIterator[Hook]:
    async with listening(lambda _: "") as hook:
        answer = await http.put("/stripe/control/webhook", json={"url": hook.url, "retry_seconds": [0.01, 0.01]})
        assert answer.status_code == 200, answer.text
        yield hook


async def test_an_event_tells_what_changed_and_who_asked_for_it(client: stripe.StripeClient, hook: Hook) -> None:
    options: Any = {"idempotency_key": "row-1"}
    made = await client.v1.customers.create_async({"name": "Ann", "metadata": {"a": "1"}}, options)
    await client.v1.customers.update_async(made.id, {"name": "Bea", "metadata": {"b": "2"}})
    await client.v1.customers.update_async(made.id, {"name": "Bea"})
    created, updated = (one.json for one in await hook.wait(2))
    refuse_other_shape(created)
    assert (created["type"], created["data"]["object"]["name"], created["api_version"]) == (
        "customer.created",
        "Ann",
        VERSION,
    )
    assert created["request"] == {"id": getattr(made.last_response, "request_id", None), "idempotency_key": "row-1"}
    assert updated["data"]["previous_attributes"] == {"name": "Ann", "metadata": {"b": None}}
    listed = await client.v1.events.list_async({"types": ["customer.updated", "customer.created"]})
    assert [one.id for one in listed.data] == [updated["id"], created["id"]]
    assert (await client.v1.events.retrieve_async(created["id"])).data.object["name"] == "Ann"
    assert [one.id for one in (await client.v1.events.list_async({"type": "customer.created"})).data] == [
        created["id"]
    ]


async def test_the_sdk_takes_the_signature_and_refuses_a_forged_one(
    client: stripe.StripeClient, http: httpx.AsyncClient, hook: Hook
) -> None:
    await client.v1.customers.create_async({"name": "Ann"})
    [delivered] = await hook.wait(1)
    header = delivered.headers["stripe-signature"]
    event = client.construct_event(delivered.body, header, "whsec_sandbox")
    assert event.type == "customer.created"
    parts = dict(part.split("=", 1) for part in header.split(","))
    assert parts["v1"] == signed(delivered.body, int(parts["t"]), "whsec_sandbox")
    for wrong in ({"signature": "wrong"}, {"signed_seconds_ago": 400}, {"signature": "none"}):
        await http.post(f"/stripe/control/events/{event.id}/resend", json=wrong)
    forged = (await hook.wait(4))[1:]
    for one in forged:
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(one.body, one.headers.get("stripe-signature", ""), "whsec_sandbox")
    assert {one.json["id"] for one in forged} == {event.id}


async def test_an_endpoint_of_the_api_hears_of_its_types_and_both_secrets_sign_while_one_is_rolled(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    async with listening(lambda _: "") as hook:
        made = await client.v1.webhook_endpoints.create_async(
            {"url": hook.url, "enabled_events": ["product.created"]}
        )
        refuse_other_shape(made)
        assert made.secret is not None
        assert "secret" not in (await client.v1.webhook_endpoints.retrieve_async(made.id)).to_dict()
        rolled = await http.post(f"/stripe/control/webhook_endpoints/{made.id}/roll", json={})
        await client.v1.customers.create_async({"name": "Ann"})
        await client.v1.products.create_async({"name": "Pro"})
        [delivered] = await hook.wait(1)
        for secret in (made.secret, rolled.json()["secret"]):
            client.construct_event(delivered.body, delivered.headers["stripe-signature"], secret)
        await client.v1.webhook_endpoints.update_async(made.id, {"disabled": True})
        await client.v1.products.create_async({"name": "Pro"})
        await client.v1.webhook_endpoints.delete_async(made.id)
        assert len(hook.got) == 1


async def test_what_is_not_taken_comes_again_signed_anew(client: stripe.StripeClient, hook: Hook) -> None:
    hook.answers = [500, 400]
    await client.v1.customers.create_async({"name": "Ann"})
    got = await hook.wait(3)
    assert len({one.body for one in got}) == 1
    for one in got:
        client.construct_event(one.body, one.headers["stripe-signature"], "whsec_sandbox")


async def test_events_may_come_twice_in_another_order_or_never(
    client: stripe.StripeClient, hook: Hook, faults: Faults
) -> None:
    await faults(
        "stripe",
        {"kind": "webhook_lose", "match": {"topic": "product."}},
        {"kind": "webhook_duplicate", "times": 1},
        {"kind": "webhook_reorder", "window": 4, "seconds": 5, "seed": 3},
    )
    await client.v1.products.create_async({"name": "Lost"})
    made = [(await client.v1.customers.create_async({"name": str(i)})).id for i in range(3)]
    got = [one.json["data"]["object"]["id"] for one in await hook.wait(4)]
    assert sorted(got) == sorted([made[0], *made])
    assert got != [made[0], *made]


async def test_an_event_waits_until_it_is_taken_and_is_forgotten_after_a_month(
    client: stripe.StripeClient, http: httpx.AsyncClient, hook: Hook
) -> None:
    hook.answers = [500] * 3
    await client.v1.customers.create_async({"name": "Ann"})
    await hook.wait(3)
    [refused] = (await client.v1.events.list_async({"delivery_success": False})).data
    assert (refused.type, refused.pending_webhooks) == ("customer.created", 1)
    assert (await http.get("/stripe/control/untold")).json() == {"untold": 1}
    await http.post(f"/stripe/control/events/{refused.id}/resend", json={})
    await hook.wait(4)

    async def taken() -> bool:
        return (await client.v1.events.retrieve_async(refused.id)).pending_webhooks == 0

    await until(taken)
    assert (await http.get("/stripe/control/untold")).json() == {"untold": 0}
    await http.put("/stripe/control/account", json={"ahead_seconds": 31 * 86_400})
    assert (await client.v1.events.list_async()).data == []
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.events.retrieve_async(refused.id)


async def test_an_event_that_nobody_caused_can_be_sent(http: httpx.AsyncClient, hook: Hook) -> None:
    raw = {"type": "planet.discovered", "data": {"id": "x"}}
    made = (await http.post("/stripe/control/events", json=raw)).json()
    [delivered] = await hook.wait(1)
    assert (delivered.json["id"], delivered.json["type"]) == (made["id"], "planet.discovered")
