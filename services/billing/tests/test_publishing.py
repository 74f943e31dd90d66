"""The catalogue is at Stripe, also where Stripe has forgotten it."""

from typing import Any

from kit.testing.programs import eventually

from .story import PRO, Story

CHECKOUTS = "/v1/billing/checkouts"
KEYS = ["pro_month_eur_v1", "pro_seat_month_eur_v1"]


async def ids_of(story: Story) -> dict[str, Any]:
    rows = await story.rows("SELECT lookup_key, stripe_id FROM prices WHERE lookup_key = ANY ($1)", KEYS)
    return {row["lookup_key"]: row["stripe_id"] for row in rows}


async def emptied(story: Story) -> None:
    """Stripe has nothing any more, as another account of Stripe's has not."""
    (await story.stripe.http.post("/control/reset")).raise_for_status()


async def test_prices_that_stripe_has_no_more_are_published_anew_and_can_be_bought(story: Story) -> None:
    await story.sold()
    before = await ids_of(story)
    await emptied(story)
    async with story.working():

        async def anew() -> bool:
            now = await ids_of(story)
            return all(now[key] and now[key] != before[key] for key in KEYS)

        await eventually(anew, within=60)
    client = story.client(await story.organization())
    answer = await client.post(CHECKOUTS, json=PRO)
    assert (answer.status_code, answer.json()["state"]) == (201, "open"), answer.text


async def test_prices_that_stripe_has_are_left_alone(story: Story) -> None:
    await story.sold()
    before = await ids_of(story)
    publisher = story.made.buying.publisher
    assert not await publisher.verify()
    assert await ids_of(story) == before
