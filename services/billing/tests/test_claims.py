"""What is bought without an account, and how an organization comes to it, before the sandbox's Stripe."""

import hashlib
from typing import Any
from uuid import UUID

import httpx
import pytest

from billing.purchases.model import ALPHABET, LENGTH, hash_of, new_code
from contracts.auth import SubscriptionClaimed, SubscriptionClaimWithdrawn
from kit.ids import new_id
from kit.testing.programs import eventually

from .hearing import NOW, Ear
from .story import Story

WISH = {"plan": "pro", "interval": "month", "currency": "eur"}


def claimed(organization_id: UUID, code: str, claim_id: UUID) -> SubscriptionClaimed:
    return SubscriptionClaimed(
        organization_id=organization_id,
        time=NOW,
        claim_id=claim_id,
        code_hash=hashlib.sha256(code.encode()).hexdigest(),
        claimed_by=new_id(),
    )


def withdrawn(organization_id: UUID, claim_id: UUID) -> SubscriptionClaimWithdrawn:
    return SubscriptionClaimWithdrawn(organization_id=organization_id, time=NOW, version=2, claim_id=claim_id)


async def buy(story: Story) -> dict[str, Any]:
    """A guest opens a page."""
    guest = httpx.AsyncClient(transport=httpx.ASGITransport(app=story.app), base_url="http://billing.test")
    story.clients.append(guest)
    answer = await guest.post("/v1/billing/purchases", json=WISH)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    bought: dict[str, Any] = answer.json()
    return bought


async def session_of(story: Story, purchase_id: str) -> str:
    async with story.database.transaction() as tx:
        found: str = await tx.fetchval("SELECT stripe_session_id FROM purchases WHERE id = $1", UUID(purchase_id))
    return found


async def state(story: Story, organization_id: UUID, claim_id: UUID) -> tuple[str, str]:
    async with story.database.transaction(organization_id) as tx:
        row = await tx.fetchrow("SELECT state, reason FROM claims WHERE claim_id = $1", claim_id)
    assert row
    return row["state"], row["reason"]


async def settled(story: Story, organization_id: UUID, claim_id: UUID) -> bool:
    return (await state(story, organization_id, claim_id))[0] != "waiting"


async def on(story: Story, organization_id: UUID, plan: str) -> bool:
    return (await Ear(story.database).organization(organization_id)).plan == plan


async def paid(owner: httpx.AsyncClient) -> bool:
    invoices = (await owner.get("/v1/billing/invoices")).json()["items"]
    return [invoice["status"] for invoice in invoices] == ["paid"]


def test_a_code_has_130_random_bits_and_is_kept_as_its_hash() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in codes)
    assert {letter for code in codes for letter in code} == set(ALPHABET)
    assert hash_of("0" * 26) == hashlib.sha256(b"0" * 26).digest()


async def test_what_was_bought_before_signing_up_is_the_organizations_that_has_its_code(
    story: Story, ear: Ear
) -> None:
    ours, theirs = await story.organization(), await story.organization()
    first, second = new_id(), new_id()
    async with story.working():
        await story.sold()
        bought = await buy(story)
        await story.stripe.pay(await session_of(story, bought["id"]))
        event = claimed(ours, bought["claim_code"], first)
        await ear.hear(event, event)
        await ear.hear(event, generation=1)
        await eventually(lambda: on(story, ours, "pro"), within=60)
        await ear.hear(claimed(theirs, bought["claim_code"], second))
        await eventually(lambda: settled(story, theirs, second), within=60)
    assert await state(story, ours, first) == ("linked", "")
    assert await state(story, theirs, second) == ("refused", "claimed_already")
    assert (await ear.organization(theirs)).plan == "free"
    assert (await ear.facts(ours)).count("SubscriptionLinked") == 1
    owner = story.client(ours)
    await story.until(lambda: paid(owner))
    assert (await story.client(theirs).get("/v1/billing/invoices")).json()["items"] == []


async def test_a_code_that_sold_nothing_links_nothing_and_a_withdrawn_claim_is_let_be(story: Story, ear: Ear) -> None:
    ours = await story.organization()
    wrong, early, late = new_id(), new_id(), new_id()
    async with story.working():
        await story.sold()
        await ear.hear(claimed(ours, new_code(), wrong))
        await eventually(lambda: settled(story, ours, wrong), within=60)
        bought = await buy(story)
        await ear.hear(claimed(ours, bought["claim_code"], early))
        await ear.hear(withdrawn(ours, early))
        await ear.hear(withdrawn(ours, late), claimed(ours, bought["claim_code"], late))
        await story.stripe.pay(await session_of(story, bought["id"]))
    assert await state(story, ours, wrong) == ("refused", "unknown_code")
    assert [await state(story, ours, each) for each in (early, late)] == [("withdrawn", "")] * 2
    assert (await ear.organization(ours)).plan == "free"


@pytest.mark.parametrize("wrong", [{"plan": "gold"}, {"interval": "week"}, {"currency": "EUR"}, {"currency": "xxx"}])
async def test_a_guest_is_told_what_is_not_sold(story: Story, wrong: dict[str, str]) -> None:
    guest = httpx.AsyncClient(transport=httpx.ASGITransport(app=story.app), base_url="http://billing.test")
    story.clients.append(guest)
    answer = await guest.post("/v1/billing/purchases", json=WISH | wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("#/")
