from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from .stripe_account import refuse_other_shape, sdk

RETURN = "https://shop.example.org/done?order=7"


@pytest.fixture
async def client(http: httpx.AsyncClient) -> AsyncIterator[stripe.StripeClient]:
    async with sdk(http) as client:
        yield client


async def pay(client: stripe.StripeClient, card: str, **more: Any) -> stripe.PaymentIntent:
    given: Any = {
        "amount": 1000,
        "currency": "eur",
        "payment_method": card,
        "confirm": True,
        "return_url": RETURN,
        **more,
    }
    return await client.v1.payment_intents.create_async(given)


async def charge_of(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.Charge:
    return await client.v1.charges.retrieve_async(str(intent.latest_charge))


async def types(client: stripe.StripeClient) -> list[str]:
    """Of all events, oldest first."""
    return [str(one.type) for one in (await client.v1.events.list_async({"limit": 100})).data][::-1]


async def test_a_card_is_charged_and_the_money_booked_with_its_fee(client: stripe.StripeClient) -> None:
    intent = await pay(client, "pm_card_visa", metadata={"row_id": "1"}, description="Pro")
    refuse_other_shape(intent)
    assert (intent.status, intent.amount_received, intent.next_action) == ("succeeded", 1000, None)
    charge = await client.v1.charges.retrieve_async(str(intent.latest_charge), {"expand": ["refunds"]})
    refuse_other_shape(charge)
    assert (charge.paid, charge.captured, charge.amount_captured, charge.metadata["row_id"]) == (
        True,
        True,
        1000,
        "1",
    )
    method = await client.v1.payment_methods.retrieve_async(str(intent.payment_method))
    refuse_other_shape(method)
    booked = await client.v1.balance_transactions.retrieve_async(str(charge.balance_transaction))
    refuse_other_shape(booked)
    assert (booked.amount, booked.fee, booked.net, booked.status, booked.type) == (1000, 40, 960, "pending", "charge")
    balance = await client.v1.balance.retrieve_async()
    assert [(one.amount, one.currency) for one in balance.pending] == [(960, "eur")]
    assert await types(client) == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("card", "code", "reason"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
    ],
)
async def test_a_declined_card_says_why_and_the_intent_waits_for_another(
    client: stripe.StripeClient, card: str, code: str, reason: str | None
) -> None:
    options: Any = {"idempotency_key": "row-1"}
    given: Any = {"amount": 1000, "currency": "eur", "payment_method": card, "confirm": True, "return_url": RETURN}
    with pytest.raises(stripe.CardError) as declined:
        await client.v1.payment_intents.create_async(given, options)
    body: Any = declined.value.json_body
    error = body["error"]
    assert (declined.value.http_status, error["code"], error.get("decline_code")) == (402, code, reason)
    intent = await client.v1.payment_intents.retrieve_async(error["payment_intent"]["id"])
    assert (intent.status, intent.payment_method, str(intent.latest_charge)) == (
        "requires_payment_method",
        None,
        error["charge"],
    )
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    charge = await charge_of(client, intent)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
    with pytest.raises(stripe.CardError):
        await client.v1.payment_intents.create_async(given, options)
    assert len((await client.v1.payment_intents.list_async()).data) == 1
    confirmed = await client.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_mastercard", "return_url": RETURN}
    )
    assert confirmed.status == "succeeded"


async def test_a_bank_that_asks_sends_the_person_to_its_page_and_back(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    intent = await pay(client, "pm_card_authenticationRequired")
    assert intent.status == "requires_action"
    action: Any = intent.to_dict()["next_action"]
    page = await http.get(action["redirect_to_url"]["url"])
    assert "Complete authentication" in page.text
    back = await http.post(action["redirect_to_url"]["url"], data={"outcome": "succeed"})
    secret = f"payment_intent_client_secret={intent.client_secret}"
    assert (back.status_code, back.headers["location"]) == (
        303,
        f"{RETURN}&payment_intent={intent.id}&{secret}&redirect_status=succeeded",
    )
    paid = await client.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    assert paid.status == "succeeded"
    details = paid.to_dict()["latest_charge"]["payment_method_details"]["card"]
    assert details["three_d_secure"]["result"] == "authenticated"
    assert (await http.post(action["redirect_to_url"]["url"], data={"outcome": "fail"})).status_code == 409


async def test_who_fails_to_authenticate_may_try_again(client: stripe.StripeClient, http: httpx.AsyncClient) -> None:
    intent = await pay(client, "pm_card_threeDSecure2Required", use_stripe_sdk=True)
    action: Any = intent.to_dict()["next_action"]
    assert action["type"] == "use_stripe_sdk"
    failed = await http.post(f"/stripe/control/intents/{intent.id}/authenticate", json={"outcome": "fail"})
    assert failed.json()["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert (failed.json()["status"], failed.json()["latest_charge"]) == ("requires_payment_method", None)
    assert (await types(client))[-1] == "payment_intent.payment_failed"
    again: Any = {
        "payment_method": "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "return_url": RETURN,
    }
    await client.v1.payment_intents.confirm_async(intent.id, again)
    declined = await http.post(f"/stripe/control/intents/{intent.id}/authenticate", json={})
    assert declined.json()["last_payment_error"]["decline_code"] == "insufficient_funds"


async def test_a_card_that_was_set_up_is_charged_without_its_owner(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    customer = await client.v1.customers.create_async({"name": "Ann"})
    attached = await client.v1.payment_methods.attach_async(
        "pm_card_authenticationRequiredOnSetup", {"customer": customer.id}
    )
    off: Any = {"customer": customer.id, "off_session": True}
    with pytest.raises(stripe.CardError) as asked:
        await pay(client, attached.id, **off)
    assert asked.value.code == "authentication_required"
    setup = await client.v1.setup_intents.create_async(
        {"customer": customer.id, "payment_method": attached.id, "confirm": True, "return_url": RETURN}
    )
    refuse_other_shape(setup)
    assert setup.status == "requires_action"
    await http.post(f"/stripe/control/intents/{setup.id}/authenticate", json={"outcome": "succeed"})
    assert (await client.v1.setup_intents.retrieve_async(setup.id)).status == "succeeded"
    assert (await pay(client, attached.id, **off)).status == "succeeded"
    assert (await pay(client, attached.id, customer=customer.id)).status == "requires_action"


async def test_setting_up_attaches_the_card_or_says_why_not(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    customer = await client.v1.customers.create_async({"name": "Ann"})
    given: Any = {"customer": customer.id, "confirm": True, "return_url": RETURN}

    async def set_up(card: str) -> stripe.SetupIntent:
        asked: Any = {**given, "payment_method": card}
        return await client.v1.setup_intents.create_async(asked)

    good = await set_up("pm_card_visa")
    listed = await client.v1.customers.payment_methods.list_async(customer.id, {"type": "card"})
    assert [one.id for one in listed.data] == [good.payment_method]
    with pytest.raises(stripe.CardError) as declined:
        await set_up("pm_card_visa_chargeDeclined")
    body: Any = declined.value.json_body
    assert body["error"]["setup_intent"]["status"] == "requires_payment_method"
    waiting = await set_up("pm_card_authenticationRequired")
    await http.post(f"/stripe/control/intents/{waiting.id}/authenticate", json={"outcome": "fail"})
    failed = await client.v1.setup_intents.retrieve_async(waiting.id)
    assert failed.last_setup_error is not None
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    assert (await client.v1.setup_intents.cancel_async(waiting.id)).status == "canceled"
    assert [name for name in await types(client) if name.startswith("setup_intent")] == [
        "setup_intent.created",
        "setup_intent.succeeded",
        "setup_intent.created",
        "setup_intent.setup_failed",
        "setup_intent.created",
        "setup_intent.requires_action",
        "setup_intent.setup_failed",
        "setup_intent.canceled",
    ]


async def test_a_card_belongs_to_one_customer_until_it_is_detached(client: stripe.StripeClient) -> None:
    ann = await client.v1.customers.create_async({"name": "Ann", "payment_method": "pm_card_visa"})
    bob = await client.v1.customers.create_async({"name": "Bob"})
    [card] = (await client.v1.payment_methods.list_async({"customer": ann.id})).data
    default: Any = {"invoice_settings": {"default_payment_method": card.id}}
    await client.v1.customers.update_async(ann.id, default)
    for refused in (
        client.v1.payment_methods.attach_async(card.id, {"customer": bob.id}),
        client.v1.customers.update_async(bob.id, default),
        pay(client, card.id),
        pay(client, card.id, customer=bob.id),
        client.v1.payment_methods.attach_async("pm_card_visa_chargeDeclined", {"customer": bob.id}),
    ):
        with pytest.raises((stripe.InvalidRequestError, stripe.CardError)):
            await refused
    await client.v1.payment_methods.detach_async(card.id)
    after: Any = (await client.v1.customers.retrieve_async(ann.id)).to_dict()
    assert after["invoice_settings"]["default_payment_method"] is None
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_methods.attach_async(card.id, {"customer": bob.id})


async def test_a_card_that_attaches_may_fail_to_pay_and_start_to_again(
    client: stripe.StripeClient, http: httpx.AsyncClient
) -> None:
    ann = await client.v1.customers.create_async({"payment_method": "pm_card_chargeCustomerFail"})
    [card] = (await client.v1.payment_methods.list_async({"customer": ann.id})).data
    off: Any = {"customer": ann.id, "off_session": True}
    with pytest.raises(stripe.CardError):
        await pay(client, card.id, **off)
    path = f"/stripe/control/payment_methods/{card.id}/behave"
    assert (await http.post(path, json={"as": "pm_card_visa"})).status_code == 200
    assert (await pay(client, card.id, **off)).status == "succeeded"
    assert (await http.post(path, json={"as": "pm_card_unheard_of"})).status_code == 422


async def test_money_is_reserved_then_taken_in_part_or_released(client: stripe.StripeClient) -> None:
    held = await pay(client, "pm_card_visa", capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 1000, 0)
    assert (await client.v1.balance_transactions.list_async()).data == []
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 1001})
    taken = await client.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 600})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 600, 0)
    released = await pay(client, "pm_card_visa", capture_method="manual")
    gone = await client.v1.payment_intents.cancel_async(released.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    for refused in (
        client.v1.payment_intents.cancel_async(taken.id),
        client.v1.payment_intents.capture_async(taken.id),
        client.v1.payment_intents.confirm_async(gone.id, {"return_url": RETURN}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as wrong:
            await refused
        assert wrong.value.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"return_url": None}, None, "return_url"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
        ({"payment_method": None}, "payment_intent_unexpected_state", None),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"confirm": False}, None, "return_url"),
        ({"amount": 100, "currency": "kwd"}, None, None),
    ],
)
async def test_a_payment_that_cannot_be_is_refused(
    client: stripe.StripeClient, changed: dict[str, Any], code: str | None, param: str | None
) -> None:
    asked = {
        "amount": 1000,
        "currency": "eur",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "return_url": RETURN,
    }
    given: Any = {name: value for name, value in {**asked, **changed}.items() if value is not None}
    if changed.get("currency") == "kwd":
        assert (await client.v1.payment_intents.create_async(given)).status == "succeeded"
        return
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.create_async(given)
    assert (refused.value.code, refused.value.param) == (code, param)


async def test_what_hangs_on_a_test_clock_has_its_time(client: stripe.StripeClient) -> None:
    clock = await client.v1.test_helpers.test_clocks.create_async({"frozen_time": 1_700_000_000})
    ann = await client.v1.customers.create_async({"test_clock": clock.id, "payment_method": "pm_card_visa"})
    [card] = (await client.v1.payment_methods.list_async({"customer": ann.id})).data
    intent = await pay(client, card.id, customer=ann.id)
    charge = await charge_of(client, intent)
    booked = await client.v1.balance_transactions.retrieve_async(str(charge.balance_transaction))
    told = (await client.v1.events.list_async({"type": "charge.succeeded"})).data[0]
    times = {ann.created, intent.created, charge.created, booked.created, told.created}
    assert (times, booked.available_on - booked.created) == ({1_700_000_000}, 7 * 86_400)
    assert (await client.v1.customers.list_async()).data == []
    assert [one.id for one in (await client.v1.customers.list_async({"test_clock": clock.id})).data] == [ann.id]


async def test_no_card_number_is_taken_by_the_api(client: stripe.StripeClient) -> None:
    card: Any = {
        "type": "card",
        "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"},
    }
    with pytest.raises(stripe.StripeError) as refused:
        await client.v1.payment_methods.create_async(card)
    assert (refused.value.http_status, "unsafe" in str(refused.value)) == (402, True)
    token: Any = {"type": "card", "card": {"token": "tok_mastercard"}, "billing_details": {"name": "Ann"}}
    made = await client.v1.payment_methods.create_async(token)
    assert made.card is not None
    assert (made.card.brand, made.card.last4, made.billing_details.name) == ("mastercard", "4444", "Ann")
