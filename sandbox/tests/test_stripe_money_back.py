"""Refunds, disputes and what they do to the account's balance."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from .conftest import until
from .stripe_account import refuse_other_shape, sdk


@pytest.fixture
async def client(http: httpx.AsyncClient) -> AsyncIterator[stripe.StripeClient]:
    async with sdk(http) as client:
        yield client


async def paid(client: stripe.StripeClient, card: str = "pm_card_bypassPending", amount: int = 1000) -> stripe.Charge:
    given: Any = {"amount": amount, "currency": "eur", "payment_method": card, "confirm": True}
    given["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    intent = await client.v1.payment_intents.create_async(given)
    return await client.v1.charges.retrieve_async(str(intent.latest_charge))


async def net(client: stripe.StripeClient) -> int:
    """All that the account has, there or on its way."""
    balance: Any = (await client.v1.balance.retrieve_async()).to_dict()
    return sum(one["amount"] for one in [*balance["available"], *balance["pending"]])


async def events(client: stripe.StripeClient, of: str) -> list[str]:
    """Types of events that begin so, oldest first."""
    found = (await client.v1.events.list_async({"limit": 100})).data
    return [str(one.type) for one in found if one.type.startswith(of)][::-1]


async def test_a_payment_is_given_back_in_parts_and_never_more_than_it_was(client: stripe.StripeClient) -> None:
    charge = await paid(client)
    first = await client.v1.refunds.create_async(
        {"charge": charge.id, "amount": 300, "reason": "requested_by_customer", "metadata": {"row_id": "r"}}
    )
    refuse_other_shape(first)
    assert (first.status, first.payment_intent, first.reason) == (
        "succeeded",
        charge.payment_intent,
        "requested_by_customer",
    )
    half = await client.v1.charges.retrieve_async(charge.id)
    assert (half.amount_refunded, half.refunded) == (300, False)
    with pytest.raises(stripe.InvalidRequestError) as more:
        await client.v1.refunds.create_async({"charge": charge.id, "amount": 701})
    assert more.value.param == "amount"
    rest = await client.v1.refunds.create_async({"payment_intent": str(charge.payment_intent)})
    assert rest.amount == 700
    whole = await client.v1.charges.retrieve_async(charge.id, {"expand": ["refunds"]})
    assert (whole.amount_refunded, whole.refunded) == (1000, True)
    assert [one["id"] for one in whole.to_dict()["refunds"]["data"]] == [rest.id, first.id]
    with pytest.raises(stripe.InvalidRequestError) as again:
        await client.v1.refunds.create_async({"charge": charge.id})
    assert again.value.code == "charge_already_refunded"
    assert await net(client) == -40
    assert await events(client, "charge.refunded") == ["charge.refunded", "charge.refunded"]
    listed = await client.v1.refunds.list_async({"charge": charge.id})
    assert [one.id for one in listed.data] == [rest.id, first.id]


async def test_refunds_at_once_never_give_back_more_than_was_paid(client: stripe.StripeClient) -> None:
    charge = await paid(client)
    asked: Any = {"charge": charge.id, "amount": 300}
    results = await asyncio.gather(*(client.v1.refunds.create_async(asked) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, stripe.Refund) for one in results) == 3
    assert (await client.v1.charges.retrieve_async(charge.id)).amount_refunded == 900


async def test_a_refund_may_be_pending_and_succeed_later(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    await http.put("/stripe/control/account", json={"settles_after_seconds": 600})
    charge = await paid(client, "pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"charge": charge.id})
    assert refund.status == "pending"
    await http.post(f"/stripe/control/refunds/{refund.id}/settle", json={"status": "succeeded"})
    assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    assert await events(client, "refund.") == ["refund.created", "refund.updated"]


async def test_a_refund_that_fails_comes_back_and_may_be_made_again(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    await http.put("/stripe/control/account", json={"settles_after_seconds": 0.01})
    charge = await paid(client, "pm_card_refundFail")
    before = await net(client)
    refund = await client.v1.refunds.create_async({"charge": charge.id})
    assert refund.status == "succeeded"

    async def failed() -> bool:
        return (await client.v1.refunds.retrieve_async(refund.id)).status == "failed"

    await until(failed)
    assert await net(client) == before
    after = await client.v1.charges.retrieve_async(charge.id)
    assert (after.amount_refunded, after.refunded) == (0, False)
    shown = await client.v1.refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction"]})
    assert shown.to_dict()["failure_balance_transaction"]["amount"] == 1000
    assert "refund.failed" in await events(client, "refund.")
    assert (await client.v1.refunds.create_async({"charge": charge.id})).amount == 1000


async def test_a_disputed_payment_is_taken_back_and_won_by_evidence(client: stripe.StripeClient) -> None:
    charge = await paid(client, "pm_card_createDispute")
    [dispute] = (await client.v1.disputes.list_async({"charge": charge.id})).data
    refuse_other_shape(dispute)
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 1000)
    assert (await client.v1.charges.retrieve_async(charge.id)).disputed is True
    assert await net(client) == 960 - 1000 - 2000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"charge": charge.id})
    assert refused.value.code == "charge_disputed"
    staged = await client.v1.disputes.update_async(
        dispute.id, {"evidence": {"customer_name": "Ann"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    won = await client.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert (won.status, won.evidence.customer_name) == ("won", "Ann")
    assert await net(client) == 960
    assert await events(client, "charge.dispute.") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


async def test_a_dispute_is_opened_and_decided_by_who_watches(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    charge = await paid(client, "pm_card_visa")
    made = await http.post(
        "/stripe/control/disputes", json={"charge": charge.id, "amount": 400, "reason": "duplicate"}
    )
    assert (made.status_code, made.json()["amount"]) == (201, 400)
    again = await http.post("/stripe/control/disputes", json={"charge": charge.id})
    assert again.status_code == 409
    path = f"/stripe/control/disputes/{made.json()['id']}/close"
    assert (await http.post(path, json={"outcome": "lost"})).json()["status"] == "lost"
    assert (await http.post(path, json={"outcome": "won"})).status_code == 409
    assert await net(client) == 960 - 400 - 2000
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.disputes.update_async(made.json()["id"], {"evidence": {"customer_name": "Ann"}})


async def test_an_inquiry_takes_nothing_unless_it_is_escalated(client: stripe.StripeClient) -> None:
    charge = await paid(client, "pm_card_createDisputeInquiry")
    [inquiry] = (await client.v1.disputes.list_async()).data
    assert (inquiry.status, inquiry.is_charge_refundable, await net(client)) == ("warning_needs_response", True, 960)
    text: Any = {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
    escalated = await client.v1.disputes.update_async(inquiry.id, text)
    assert (escalated.status, await net(client)) == ("needs_response", 960 - 3000)
    closed = await client.v1.disputes.close_async(inquiry.id)
    assert closed.status == "lost"
    assert (await client.v1.charges.retrieve_async(charge.id)).disputed is True


async def test_an_issuer_may_warn_of_fraud(client: stripe.StripeClient) -> None:
    charge = await paid(client, "pm_card_createIssuerFraudRecord")
    [warning] = (await client.v1.radar.early_fraud_warnings.list_async({"charge": charge.id})).data
    assert (warning.charge, warning.actionable) == (charge.id, True)


async def test_money_is_available_after_a_week(client: stripe.StripeClient, http: httpx.AsyncClient) -> None:
    await paid(client, "pm_card_visa")
    await paid(client, "pm_card_bypassPending", 2000)
    before = await client.v1.balance.retrieve_async()
    refuse_other_shape(before)
    assert ([one.amount for one in before.available], [one.amount for one in before.pending]) == ([1945], [960])
    await http.put("/stripe/control/account", json={"ahead_seconds": 8 * 86_400})
    after = await client.v1.balance.retrieve_async()
    assert [one.amount for one in after.available] == [1945 + 960]
    booked = await client.v1.balance_transactions.list_async({"type": "charge"})
    assert {one.status for one in booked.data} == {"available"}
