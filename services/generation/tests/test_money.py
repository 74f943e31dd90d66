"""Money for calls is set aside before and settled after, whoever asks at once and whatever dies."""

import asyncio

import pytest

from contracts.generation import SpendingReached
from generation.calls.errors import BudgetExhausted
from generation.calls.model import CallStatus, Purpose, Reservation, Settlement, Usage
from kit.ids import new_id
from kit.testing.mortal import Died

from .story import Story

USAGE = Usage(input_tokens=10, cached_tokens=0, output_tokens=5)


def wanted(organization_id: object, amount: int) -> Reservation:
    purpose = Purpose(organization_id, new_id(), "captions", new_id())  # type: ignore[arg-type]
    return Reservation(purpose, "local", "rostrum-local", amount)


def done(cost: int, status: CallStatus = CallStatus.DONE) -> Settlement:
    return Settlement(status, cost, cost, USAGE, 12)


async def stands(story: Story, organization_id: object) -> tuple[int, int]:
    """What is spent and set aside."""
    body = (await story.client(organization_id).get("/v1/generation/budget")).json()  # type: ignore[arg-type]
    return body["spent_micros"], body["reserved_micros"]


async def reserve(story: Story, asked: Reservation) -> bool:
    try:
        async with story.database.transaction(asked.purpose.organization_id) as tx:
            await story.made.accounting.reserve(tx, asked)
    except BudgetExhausted:
        return False
    return True


async def settle(story: Story, asked: Reservation, came: Settlement) -> bool:
    async with story.database.transaction(asked.purpose.organization_id) as tx:
        return await story.made.accounting.settle(tx, asked, came)


async def test_of_64_that_ask_at_once_as_many_get_money_as_there_is_and_not_a_millionth_more(story: Story) -> None:
    ours, others = new_id(), new_id()
    await story.budget(story.client(ours), 1_000)
    asked = [wanted(ours, 70) for _ in range(64)]
    got = await asyncio.gather(*(reserve(story, each) for each in asked))
    assert sum(got) == 14
    assert await stands(story, ours) == (0, 980)
    assert await stands(story, others) == (0, 0)

    taken = [each for each, there in zip(asked, got, strict=True) if there]
    await asyncio.gather(*(settle(story, each, done(60)) for each in taken for _ in range(2)))
    assert await stands(story, ours) == (14 * 60, 0)
    assert await reserve(story, wanted(ours, 160))
    assert not await reserve(story, wanted(ours, 1))


async def test_a_call_that_was_proven_not_to_be_billed_gives_its_money_back(story: Story) -> None:
    ours = new_id()
    await story.budget(story.client(ours), 100)
    first = wanted(ours, 100)
    assert await reserve(story, first)
    assert await settle(story, first, done(0, CallStatus.REFUSED))
    assert await stands(story, ours) == (0, 0)
    assert await reserve(story, wanted(ours, 100))


async def test_a_call_whose_process_died_counts_in_full_once_its_lease_is_over_and_a_late_answer_corrects_that(
    story: Story,
) -> None:
    ours = new_id()
    asked = wanted(ours, 500)
    assert await reserve(story, asked)
    await story.made.accounting.lapse_due()
    assert await stands(story, ours) == (0, 500)
    await story.forward(minutes=6)
    for _ in range(2):
        await story.made.accounting.lapse_due()
        assert await stands(story, ours) == (500, 0)
    assert await settle(story, asked, done(120))
    assert not await settle(story, asked, done(130))
    await story.made.accounting.lapse_due()
    assert await stands(story, ours) == (120, 0)


async def test_wherever_the_process_dies_while_it_settles_the_call_is_settled_once(story: Story) -> None:
    ours, step = new_id(), 1
    while True:
        asked = wanted(ours, 500)
        assert await reserve(story, asked)
        spent, _ = await stands(story, ours)
        story.database.live_for(step)
        try:
            await settle(story, asked, done(120))
            alive = True
        except Died:
            alive = False
        story.database.live_for(None)
        await settle(story, asked, done(120))
        assert await stands(story, ours) == (spent + 120, 0)
        if alive:
            break
        step += 1
    assert step > 2


async def test_thresholds_are_told_once_each(story: Story) -> None:
    ours = new_id()
    await story.budget(story.client(ours), 1_000)
    for cost in (500, 300, 100, 100):
        asked = wanted(ours, cost)
        assert await reserve(story, asked)
        await settle(story, asked, done(cost))
    told = [event for event in await story.told_of(ours) if isinstance(event, SpendingReached)]
    assert [(each.percent, each.spent_micros) for each in told] == [(80, 800), (100, 1000)]
    assert {each.limit_micros for each in told} == {1000}


@pytest.mark.parametrize("by", ["day", "user", "feature", "model"])
async def test_use_is_shown_by_day_user_feature_and_model_of_ones_own_organization(story: Story, by: str) -> None:
    ours, theirs = new_id(), new_id()
    for organization_id in (ours, theirs, ours):
        asked = wanted(organization_id, 100)
        assert await reserve(story, asked)
        await settle(story, asked, done(40))
    body = (await story.client(ours).get("/v1/generation/usage", params={"by": by})).json()
    assert sum(line["cost_micros"] for line in body["items"]) == 80
    assert sum(line["calls"] for line in body["items"]) == 2
    assert len(body["items"]) == (2 if by == "user" else 1)


@pytest.mark.parametrize(
    "asked", [{"since": "2026-01-01", "until": "2027-01-01"}, {"since": "2026-02-02", "until": "2026-02-01"}]
)
async def test_too_many_days_are_refused_with_the_field_named(story: Story, asked: dict[str, str]) -> None:
    answer = await story.client(new_id()).get("/v1/generation/usage", params=asked)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("period-too-long")


async def test_a_refusal_says_what_there_is_and_what_to_do(story: Story) -> None:
    ours = new_id()
    await story.budget(story.client(ours), 1)
    with pytest.raises(BudgetExhausted, match="raise the budget"):
        async with story.database.transaction(ours) as tx:
            await story.made.accounting.reserve(tx, wanted(ours, 2))


async def test_who_limits_the_budget_is_in_the_audit_trail(story: Story) -> None:
    ours, who = new_id(), new_id()
    await story.budget(story.client(ours, sub=str(who)), 5)
    (line,) = await story.audited(ours)
    assert (line.action, line.actor_id) == ("generation.budget.changed", who)


async def test_the_month_begins_with_nothing_spent(story: Story) -> None:
    ours = new_id()
    asked = wanted(ours, 100)
    assert await reserve(story, asked)
    await settle(story, asked, done(100))
    await story.forward(days=32)
    assert await stands(story, ours) == (0, 0)
