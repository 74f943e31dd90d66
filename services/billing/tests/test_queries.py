"""Whatever billing asks of its database, an index answers, also when a table is large and a plan is kept."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from kit.testing.databases import TestDatabase
from kit.testing.statements import Overheard

from .shop import Shop
from .test_reconciliation import Staff, bought

_SMALL = {"clock", "prices"}
"""Tables of which all rows are read on purpose: they hold a handful, however long we sell."""


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Overheard]:
    opened = await Overheard.open(place.url("billing"), name="overheard", pool_size=8, acquire_within=20)
    assert isinstance(opened, Overheard)
    try:
        yield opened
    finally:
        await opened.close()


async def lists(client: httpx.AsyncClient, shop: Shop, headers: dict[str, str]) -> int:
    """Ask for everything of a tenant that can be listed; how much answered."""
    paths = [path for path, doors in shop.app.openapi()["paths"].items() if "get" in doors]
    mine = [path for path in paths if "{" not in path and not path.startswith("/v1/staff/")]
    answers = [await client.get(path, headers=headers) for path in mine]
    assert {each.status_code for each in answers} <= {200, 404}, [each.url for each in answers]
    return len(answers)


async def test_an_index_answers_whatever_is_asked(shop: Shop, database: Overheard) -> None:
    await shop.put_up_all()
    ann = await shop.customer(on_clock=False)
    await shop.subscribe(ann)
    await bought(shop, ann, 2_000)
    intents = [each async for each in shop.made.stripe.pages("/v1/payment_intents", {"customer": ann.stripe_id})]
    await shop.at_stripe("POST", "/refunds", {"payment_intent": intents[0]["id"], "amount": 500})
    await shop.follow()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=shop.app), base_url="http://billing.test"
    ) as client:
        assert await lists(client, shop, {"authorization": f"Bearer {ann.token()}"}) > 10
        staff = Staff(shop, client)
        await shop.travel(120)
        await staff.compare()
        await staff.drifts()
    asked = await database.plans(ann.organization_id)
    assert len(asked) > 60, "a tour that asks for little shows little"
    slow = {sql: plan for sql, plan in asked.items() if set(re.findall(r"Seq Scan on (\w+)", plan)) - _SMALL}
    assert slow == {}
