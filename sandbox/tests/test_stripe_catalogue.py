from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe

from .stripe_account import refuse_other_shape, sdk


@pytest.fixture
async def client(http: httpx.AsyncClient) -> AsyncIterator[stripe.StripeClient]:
    async with sdk(http) as client:
        yield client


async def test_products_and_prices_have_stripes_shape_and_refer_to_each_other(client: stripe.StripeClient) -> None:
    product = await client.v1.products.create_async(
        {
            "name": "Pro",
            "default_price_data": {"currency": "EUR", "unit_amount": 2900, "recurring": {"interval": "month"}},
        }
    )
    refuse_other_shape(product)
    price = await client.v1.prices.retrieve_async(str(product.default_price), {"expand": ["product"]})
    refuse_other_shape({**price.to_dict(), "product": product.id})
    assert (price.currency, price.unit_amount, str(price.unit_amount_decimal), price.type) == (
        "eur",
        2900,
        "2900",
        "recurring",
    )
    assert isinstance(price.product, stripe.Product)
    assert price.product.name == "Pro"
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.products.delete_async(product.id)
    hidden = await client.v1.products.update_async(product.id, {"active": False, "metadata": {"a": "b"}})
    assert (hidden.active, hidden.metadata.to_dict()) == (False, {"a": "b"})


async def test_a_lookup_key_names_one_price_and_is_handed_over_on_demand(client: stripe.StripeClient) -> None:
    product = await client.v1.products.create_async({"name": "Pro"})
    given: Any = {"product": product.id, "currency": "eur", "unit_amount": 100, "lookup_key": "pro_month_eur"}
    first = await client.v1.prices.create_async(given)
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.prices.create_async(given)
    given["transfer_lookup_key"] = True
    second = await client.v1.prices.create_async(given)
    found = await client.v1.prices.list_async({"lookup_keys": ["pro_month_eur"]})
    assert [one.id for one in found.data] == [second.id]
    assert (await client.v1.prices.retrieve_async(first.id)).lookup_key is None


async def test_a_price_has_other_currencies_and_tiers_for_who_asks(client: stripe.StripeClient) -> None:
    made = await client.v1.prices.create_async(
        {
            "currency": "eur",
            "unit_amount": 2900,
            "product_data": {"name": "Pro"},
            "recurring": {"interval": "month"},
            "currency_options": {"jpy": {"unit_amount": 4500}},
        }
    )
    assert "currency_options" not in made
    shown = (await client.v1.prices.retrieve_async(made.id, {"expand": ["currency_options", "tiers"]})).to_dict()
    assert {name: one["unit_amount"] for name, one in shown["currency_options"].items()} == {"eur": 2900, "jpy": 4500}
    assert shown["tiers"] is None
    tiers: Any = [{"up_to": 5, "unit_amount": 700}, {"up_to": "inf", "unit_amount_decimal": "500.5"}]
    seats = await client.v1.prices.create_async(
        {
            "currency": "eur",
            "product": str(made.product),
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": tiers,
            "recurring": {"interval": "year"},
            "expand": ["tiers"],
        }
    )
    assert [(one["up_to"], str(one["unit_amount_decimal"])) for one in seats.to_dict()["tiers"]] == [
        (5, "700"),
        (None, "500.5"),
    ]


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"currency": "eux"}, "currency"),
        ({"unit_amount": -1}, "unit_amount"),
        ({"recurring": {"interval": "year", "interval_count": 4}}, "recurring[interval_count]"),
        ({"billing_scheme": "tiered"}, "tiers"),
        ({"unit_amount_decimal": "1.5"}, "unit_amount"),
        ({"product_data": {"name": "A"}}, "product"),
    ],
)
async def test_a_price_that_cannot_be_is_refused(client: stripe.StripeClient, changed: Any, param: str) -> None:
    product = await client.v1.products.create_async({"name": "Pro"})
    given: Any = {"product": product.id, "currency": "eur", "unit_amount": 100, **changed}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.prices.create_async(given)
    assert refused.value.param == param


async def test_a_customer_has_stripes_shape_is_changed_and_deleted(client: stripe.StripeClient) -> None:
    made = await client.v1.customers.create_async({"name": "Acme", "email": "a@example.org", "tax_exempt": "reverse"})
    refuse_other_shape(made)
    settings: Any = {"footer": "Thanks", "custom_fields": [{"name": "PO", "value": "7"}]}
    changed = await client.v1.customers.update_async(made.id, {"invoice_settings": settings, "phone": "+49"})
    assert changed.invoice_settings is not None
    assert changed.invoice_settings.footer == "Thanks"
    gone = await client.v1.customers.delete_async(made.id)
    assert (gone.id, gone.deleted) == (made.id, True)
    again = await client.v1.customers.retrieve_async(made.id)
    assert again.to_dict() == {"id": made.id, "object": "customer", "deleted": True}
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.customers.update_async(made.id, {"name": "B"})
    assert (await client.v1.customers.list_async()).data == []


async def test_a_tax_id_is_checked_in_form_and_verified_as_its_test_value_says(client: stripe.StripeClient) -> None:
    made = await client.v1.customers.create_async({"name": "Acme", "expand": ["tax"]})
    new = client.v1.customers.tax_ids.create_async
    tax_id = await new(made.id, {"type": "eu_vat", "value": "DE000000000"})
    refuse_other_shape(tax_id)
    refused = await new(made.id, {"type": "eu_vat", "value": "FR11111111100"})
    listed = (await client.v1.customers.tax_ids.list_async(made.id)).to_dict()["data"]
    found = {one["id"]: one["verification"]["status"] for one in listed}
    assert found == {tax_id.id: "verified", refused.id: "unverified"}
    with pytest.raises(stripe.InvalidRequestError) as wrong:
        await new(made.id, {"type": "eu_vat", "value": "12345"})
    assert wrong.value.code == "tax_id_invalid"
    whole = await client.v1.customers.retrieve_async(made.id, {"expand": ["tax_ids", "subscriptions", "tax"]})
    assert len(whole.to_dict()["tax_ids"]["data"]) == 2
    await client.v1.customers.tax_ids.delete_async(made.id, tax_id.id)
    assert len((await client.v1.customers.tax_ids.list_async(made.id)).data) == 1


async def test_credit_is_moved_by_transactions_in_one_currency(client: stripe.StripeClient) -> None:
    made = await client.v1.customers.create_async({"name": "Acme"})
    give = client.v1.customers.balance_transactions.create_async
    first = await give(made.id, {"amount": -500, "currency": "eur", "description": "Sorry"})
    refuse_other_shape(first)
    second = await give(made.id, {"amount": 200, "currency": "eur"})
    assert (first.ending_balance, second.ending_balance) == (-500, -300)
    after = await client.v1.customers.retrieve_async(made.id)
    assert (after.balance, after.currency) == (-300, "eur")
    with pytest.raises(stripe.InvalidRequestError):
        await give(made.id, {"amount": -1, "currency": "usd"})
    listed = await client.v1.customers.balance_transactions.list_async(made.id)
    assert [one.amount for one in listed.data] == [200, -500]


async def test_coupons_and_promotion_codes_have_stripes_shape_and_limits(client: stripe.StripeClient) -> None:
    coupon = await client.v1.coupons.create_async(
        {"percent_off": 12.5, "duration": "repeating", "duration_in_months": 3, "max_redemptions": 5}
    )
    refuse_other_shape(coupon)
    code = await client.v1.promotion_codes.create_async(
        {
            "promotion": {"type": "coupon", "coupon": coupon.id},
            "code": "SPRING",
            "restrictions": {
                "minimum_amount": 1000,
                "minimum_amount_currency": "eur",
                "first_time_transaction": True,
            },
        }
    )
    refuse_other_shape(code)
    shown = await client.v1.promotion_codes.list_async({"code": "spring", "expand": ["data.promotion.coupon"]})
    assert shown.data[0].to_dict()["promotion"]["coupon"]["percent_off"] == 12.5
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.promotion_codes.create_async(
            {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "Spring"}
        )
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.promotion_codes.create_async(
            {"promotion": {"type": "coupon", "coupon": coupon.id}, "max_redemptions": 6}
        )
    off = await client.v1.promotion_codes.update_async(code.id, {"active": False})
    assert off.active is False
    await client.v1.coupons.delete_async(coupon.id)
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.promotion_codes.update_async(code.id, {"active": True})


@pytest.mark.parametrize(
    "given",
    [
        {"duration": "once"},
        {"percent_off": 10, "amount_off": 5, "currency": "eur"},
        {"amount_off": 5},
        {"percent_off": 101},
        {"percent_off": 10, "duration": "repeating"},
        {"percent_off": 10, "redeem_by": 1},
    ],
)
async def test_a_coupon_that_cannot_be_is_refused(client: stripe.StripeClient, given: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.coupons.create_async(given)


async def test_only_what_can_be_expanded_is(client: stripe.StripeClient) -> None:
    made = await client.v1.prices.create_async({"currency": "eur", "unit_amount": 1, "product_data": {"name": "A"}})
    listed = await client.v1.prices.list_async({"expand": ["data.product.default_price"]})
    assert isinstance(listed.data[0].product, stripe.Product)
    for path in ("nickname", "product.name", "data.product", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.prices.retrieve_async(made.id, {"expand": [path]})
        assert "expand" in str(refused.value.user_message)
