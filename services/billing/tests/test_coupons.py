"""Discounts are redeemed as often as they may be, and by an organization once."""

import asyncio
from typing import Any

import pytest

from billing.catalogue.model import Interval
from billing.checkouts.model import CheckoutKind, Offer
from billing.checkouts.repository import CheckoutRepository
from billing.coupons import redeeming
from billing.coupons.errors import CodeUnknown, CouponSpent
from billing.coupons.repository import RedemptionRepository
from kit.ids import new_id

from .story import PRO, Story, problem

COUPONS = "/v1/staff/billing/coupons"
SPRING: dict[str, Any] = {"name": "Spring", "percent_off": 20, "codes": [{"code": "Spring-26"}]}


async def made(story: Story, **changed: Any) -> dict[str, Any]:
    answer = await story.staff().post(COUPONS, json={**SPRING, **changed})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def take(story: Story, code: str, *, plan: str = "pro", currency: str = "eur", before: bool = False) -> Any:
    """Somebody new redeems it: their organization and checkout, or what stood in the way."""
    organization_id, checkout_id = new_id(), new_id()
    offer = Offer(plan, 1, Interval.MONTH, currency, 0, 0, None)
    try:
        async with story.database.transaction(organization_id) as tx:
            await CheckoutRepository(tx).add(checkout_id, CheckoutKind.SUBSCRIPTION, offer, None)
            await redeeming.take(tx, checkout_id, code, plan, currency, subscribed_before=before)
    except (CodeUnknown, CouponSpent) as refused:
        return refused
    return organization_id, checkout_id


async def counted(story: Story) -> list[tuple[int, int]]:
    rows = await story.rows(
        "SELECT c.taken AS coupon, p.taken AS code FROM coupons AS c JOIN promotion_codes AS p ON p.coupon_id = c.id"
    )
    return [(row["coupon"], row["code"]) for row in rows]


async def test_staff_make_a_coupon_here_and_at_stripe_once(story: Story) -> None:
    staff, key = story.staff(), {"idempotency-key": "spring"}
    answer = await staff.post(COUPONS, json=SPRING, headers=key)
    assert answer.status_code == 201, answer.text
    coupon = answer.json()
    assert (coupon["state"], coupon["codes"][0]["code"], coupon["redeemed"]) == ("made", "SPRING-26", 0)
    assert (await staff.post(COUPONS, json=SPRING, headers=key)).json()["id"] == coupon["id"]
    (there,) = (await story.stripe.ask("/v1/coupons"))["data"]
    assert (there["percent_off"], there["duration"], there["metadata"]["row_id"]) == (20, "once", coupon["id"])
    assert [each["id"] for each in (await staff.get(COUPONS)).json()["items"]] == [coupon["id"]]
    assert problem(await staff.post(COUPONS, json=SPRING)) == (409, "promotion-code-taken")
    ended = await staff.post(f"{COUPONS}/{coupon['id']}/end")
    assert ended.json()["state"] == "ended"
    assert isinstance(await take(story, "SPRING-26"), CodeUnknown)
    async with story.database.transaction() as tx:
        bodies = [bytes(row["body"]) for row in await tx.fetch("SELECT body FROM outbox ORDER BY id")]
    for action in (b"billing.coupon.created", b"billing.coupon.ended"):
        assert len([body for body in bodies if action in body]) == 1


async def test_of_fifty_who_come_at_once_as_many_get_it_as_may(story: Story) -> None:
    await made(story, max_redemptions=10, codes=[{"code": "TEN"}])
    came = await asyncio.gather(*(take(story, "TEN") for _ in range(50)))
    assert len([each for each in came if not isinstance(each, Exception)]) == 10
    assert await counted(story) == [(10, 10)]
    organization_id, checkout_id = next(each for each in came if not isinstance(each, Exception))
    for _ in range(2):  # what is given back twice is given back once
        async with story.database.transaction(organization_id) as tx:
            await RedemptionRepository(tx).give_back(checkout_id)
    assert await counted(story) == [(9, 9)]
    again = await asyncio.gather(*(take(story, "TEN") for _ in range(5)))
    assert len([each for each in again if not isinstance(each, Exception)]) == 1


async def test_the_narrower_cap_of_coupon_and_code_counts(story: Story) -> None:
    await made(story, max_redemptions=3, codes=[{"code": "ONE", "max_redemptions": 1}, {"code": "MANY"}])
    assert not isinstance(await take(story, "ONE"), Exception)
    assert isinstance(await take(story, "ONE"), CodeUnknown)
    assert [isinstance(await take(story, "MANY"), Exception) for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("changed", "wish"),
    [
        ({"plans": ["agency"]}, {}),
        ({"percent_off": None, "amount_off": 500, "currency": "usd"}, {}),
        ({"first_subscription_only": True}, {"before": True}),
    ],
)
async def test_whoever_it_is_not_for_does_not_get_it_and_takes_nobody_elses(
    story: Story, changed: dict[str, Any], wish: dict[str, Any]
) -> None:
    if "plans" in changed:
        await story.sold("agency_month_eur_v1", "agency_seat_month_eur_v1")
    await made(story, **changed)
    assert isinstance(await take(story, "SPRING-26", **wish), CodeUnknown)
    assert await counted(story) == [(0, 0)]
    fitting: dict[str, Any] = {"plan": "agency"} if "plans" in changed else {}
    fitting |= {"currency": "usd"} if "currency" in changed else {}
    assert not isinstance(await take(story, "SPRING-26", **fitting), Exception)


async def test_what_is_over_is_not_redeemed(story: Story) -> None:
    soon = story.database.clock.now().replace(year=story.database.clock.now().year + 1)
    await made(story, expires_at=soon.isoformat())
    assert not isinstance(await take(story, "SPRING-26"), Exception)
    await story.forward(days=400)
    assert isinstance(await take(story, "SPRING-26"), CodeUnknown)


async def test_an_organization_redeems_it_on_its_checkout_and_only_once(story: Story) -> None:
    await story.sold()
    await made(story)
    ours = await story.organization()
    client, wish = story.client(ours), {**PRO, "promotion_code": "spring-26"}
    begun = await client.post("/v1/billing/checkouts", json=wish)
    assert begun.status_code == 201, begun.text
    assert begun.json()["promotion_code"] == "SPRING-26"
    (session,) = (await story.stripe.ask("/v1/checkout/sessions"))["data"]
    assert session["amount_total"] == 4900 * 80 // 100
    await client.post(f"/v1/billing/checkouts/{begun.json()['id']}/cancel")
    assert await counted(story) == [(0, 0)]
    again = await client.post("/v1/billing/checkouts", json=wish)
    assert again.status_code == 201
    await client.post(f"/v1/billing/checkouts/{again.json()['id']}/cancel")
    async with story.database.transaction(ours) as tx:
        coupon = await tx.fetchval("SELECT id FROM coupons")
        await RedemptionRepository(tx).add(coupon, "SPRING-26", (await _some_checkout(tx)))
        await tx.execute("UPDATE redemptions SET redeemed_at = kit_now()")
    assert problem(await client.post("/v1/billing/checkouts", json=wish)) == (409, "coupon-spent")


async def _some_checkout(tx: Any) -> Any:
    return await tx.fetchval("SELECT id FROM checkouts ORDER BY id LIMIT 1")


@pytest.mark.parametrize(
    "changed",
    [
        {"percent_off": None},
        {"amount_off": 500, "currency": "eur"},
        {"percent_off": None, "amount_off": 500},
        {"percent_off": 101},
        {"duration": "repeating"},
        {"months": 3},
        {"codes": []},
        {"codes": [{"code": "A B"}]},
        {"codes": [{"code": "TWICE"}, {"code": "twice"}]},
        {"percent_off": None, "amount_off": 100_000_000, "currency": "eur"},
        {"percent_off": None, "amount_off": 1_001, "currency": "kwd"},
        {"name": ""},
    ],
)
async def test_a_coupon_that_makes_no_sense_is_refused(story: Story, changed: dict[str, Any]) -> None:
    answer = await story.staff().post(COUPONS, json={**SPRING, **changed})
    assert answer.status_code == 422, answer.text
    assert await counted(story) == []


async def test_only_staff_who_may_make_coupons(story: Story) -> None:
    assert problem(await story.staff("users.read").post(COUPONS, json=SPRING)) == (403, "permission-missing")
    assert (await story.client(new_id()).post(COUPONS, json=SPRING)).status_code == 401
