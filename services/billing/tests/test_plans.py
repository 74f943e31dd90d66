"""What is sold is shown to everybody, and brought to Stripe."""

from contracts.names import PLANS

from .story import Story

PLAN_LIST = "/v1/billing/plans"
KEYS = ("pro_month_jpy_v1", "pro_seat_year_eur_v1")


async def test_everybody_sees_what_is_sold(story: Story) -> None:
    browser = story.client(None)
    answer = await browser.get(PLAN_LIST, auth=None)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=300")
    shown = answer.json()
    assert [plan["plan"] for plan in shown["plans"]] == list(PLANS)
    free, _, pro, _ = shown["plans"]
    assert free["prices"] == []
    prices = {(each["interval"], each["currency"]): each for each in pro["prices"]}
    assert prices["month", "eur"] == {
        "interval": "month",
        "currency": "eur",
        "exponent": 2,
        "amount": 4900,
        "seat_amount": 800,
    }
    assert (prices["year", "jpy"]["exponent"], prices["year", "jpy"]["amount"]) == (0, 78_000)
    again = await browser.get(PLAN_LIST, auth=None, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_price_comes_to_stripe_once_whoever_brings_it(story: Story) -> None:
    for _ in range(2):
        await story.sold(*KEYS)
        await story.rows("UPDATE prices SET stripe_id = NULL WHERE id IS NULL RETURNING 1")
    found = (await story.stripe.ask("/v1/prices", **{"lookup_keys[]": list(KEYS)}))["data"]
    assert {each["lookup_key"]: (each["unit_amount"], each["currency"]) for each in found} == {
        "pro_month_jpy_v1": (7800, "jpy"),
        "pro_seat_year_eur_v1": (8000, "eur"),
    }
    assert {each["product"] for each in found} == {"rostrum_pro", "rostrum_pro_seat"}


async def test_a_key_that_means_another_price_at_stripe_is_shown_and_not_sold(story: Story) -> None:
    taken = {"currency": "jpy", "unit_amount": 1, "lookup_key": KEYS[0], "product_data[name]": "Other"}
    answer = await story.stripe.http.post(
        "/stripe/v1/prices", data={**taken, "recurring[interval]": "month"}, auth=("sk_test_sandbox", "")
    )
    assert answer.status_code == 200, answer.text
    await story.sold(KEYS[0])
    (row,) = await story.rows("SELECT stripe_id, reason FROM prices")
    assert row == {"stripe_id": None, "reason": "At Stripe this key names another price."}


async def test_everything_that_is_sold_is_put_on_its_way_once(story: Story) -> None:
    for _ in range(2):
        await story.made.buying.publisher.publish()
    (row,) = await story.rows("SELECT count(*) AS due FROM ledger_entries WHERE kind = 'billing.price'")
    assert row["due"] == 60
