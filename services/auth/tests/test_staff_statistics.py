"""The numbers of the platform: counted by a loop, exact for what they say, and kept when people are forgotten."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.staff.permissions import StaffRole
from auth.statistics.model import to_count
from contracts.event import Event
from contracts.generation import GenerationFinished
from contracts.money import PaymentSucceeded, RefundFailed, RefundIssued
from kit.ids import new_id

from .conftest import Forward
from .staffing import Colleague, hired
from .story import Story

DAY = 86_400


async def read(staff: Colleague) -> list[dict[str, Any]]:
    answer = await staff.call("GET", "/v1/staff/statistics")
    assert answer.status_code == 200, answer.text
    days: list[dict[str, Any]] = answer.json()["days"]
    return days


async def until_noon(story: Story, forward: Forward) -> None:
    """The middle of a day, so that no minute of the test falls on another."""
    now = story.database.clock.now()
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    await forward((noon - now).total_seconds() % DAY)


async def test_what_happened_is_counted_once_however_often_it_is_counted(story: Story, forward: Forward) -> None:
    await until_noon(story, forward)
    ada, bob = await story.person("ada@site.test"), await story.person("bob@site.test")
    await story.sign_up("never-verified@site.test")  # who is nobody yet
    await story.sign_in(ada.email)
    assert (await story.sign_in(bob.email, "wrong-wrong-wrong-1")).status_code == 401
    await ada.create()
    staff = await hired(story, StaffRole.SUPPORT)
    body = {"user_id": ada.user_id, "reason": "They asked us to look at it."}
    assert (await staff.call("POST", "/v1/staff/impersonations", json=body)).status_code == 201
    assert await read(staff) == [], "nothing is counted by who reads"
    for _ in range(2):
        await story.parts.staff.statistics.count()
    (today,) = await read(staff)
    del today["counted_at"], today["day"]
    assert today == {
        "users": 2,
        "verified_users": 2,
        "suspended_users": 0,
        "with_second_factor": 0,
        "second_factor_share": 0.0,
        "sign_ups": 2,
        "active_users": 2,
        "weekly_active_users": 2,
        "sign_ins": 3,
        "refusals": 1,
        "sessions": 3,
        "organizations": 1,
        "new_organizations": 1,
        "impersonations": 1,
        "revenue": [],
        "generations": [],
    }


async def test_days_and_weeks_have_ends(story: Story, forward: Forward) -> None:
    await until_noon(story, forward)
    ada = await story.person("ada@site.test")
    await story.parts.staff.statistics.count()
    await forward(3 * DAY)
    await story.person("bob@site.test")
    await story.parts.staff.statistics.count()
    await forward(5 * DAY)
    await story.parts.staff.statistics.count()
    staff = await hired(story, StaffRole.SUPPORT)
    days = await read(staff)
    assert [each["active_users"] for each in days] == [0, 1, 1]
    assert [each["weekly_active_users"] for each in days] == [1, 2, 1]
    assert [each["users"] for each in days] == [2, 2, 1]
    assert [each["sign_ups"] for each in days] == [0, 1, 1]
    assert (date.fromisoformat(days[0]["day"]) - date.fromisoformat(days[1]["day"])).days == 5
    assert ada.user_id


async def test_a_day_that_is_over_keeps_what_was_counted_of_people_who_are_gone(
    story: Story, forward: Forward
) -> None:
    await until_noon(story, forward)
    ada = await story.person("ada@site.test")
    await story.parts.staff.statistics.count()
    await story.admin("DELETE FROM auth.activity WHERE user_id = $1", UUID(ada.user_id))
    await story.parts.staff.statistics.count()
    staff = await hired(story, StaffRole.SUPPORT)
    assert [(each["active_users"], each["sign_ins"]) for each in await read(staff)] == [(1, 1)]


@pytest.mark.parametrize(
    ("hour", "days"), [(0, [timedelta(days=-1), timedelta()]), (1, [timedelta()]), (23, [timedelta()])]
)
def test_yesterday_is_counted_until_an_hour_after_its_end(hour: int, days: list[timedelta]) -> None:
    now = datetime(2026, 3, 1, hour, 30, tzinfo=UTC)
    assert to_count(now) == [now.date() + each for each in days]


def payment(amount: int, currency: str = "eur", payment_id: UUID | None = None) -> PaymentSucceeded:
    return PaymentSucceeded(
        payment_id=payment_id or new_id(), amount=amount, currency=currency, recovered=False, version=1
    )


async def revenue(story: Story) -> list[list[dict[str, Any]]]:
    await story.parts.staff.statistics.count()
    staff = await hired(story, StaffRole.SUPPORT)
    return [day["revenue"] for day in await read(staff)]


async def hear(story: Story, *events: Event) -> None:
    now = story.database.clock.now()
    for each in events:
        await story.hear(each.stamped(time=now, organization_id=None, traceparent=None))


async def test_money_is_added_once_by_day_and_currency_however_often_it_is_told(
    story: Story, forward: Forward
) -> None:
    await until_noon(story, forward)
    first = payment(1900)
    await hear(story, first, payment(2000), payment(990, "usd"))
    await hear(story, payment(1900, payment_id=first.payment_id))  # another message about the same payment
    await story.parts.staff.statistics.count()
    await forward(DAY)
    await hear(story, payment(500), first)
    assert await revenue(story) == [
        [{"currency": "eur", "payments": 1, "received": 500, "refunds": 0, "refunded": 0, "net": 500}],
        [
            {"currency": "eur", "payments": 2, "received": 3900, "refunds": 0, "refunded": 0, "net": 3900},
            {"currency": "usd", "payments": 1, "received": 990, "refunds": 0, "refunded": 0, "net": 990},
        ],
    ]


async def test_refunds_are_taken_off_and_come_back_when_they_fail_in_whatever_order_it_is_told(
    story: Story, forward: Forward
) -> None:
    await until_noon(story, forward)
    paid = payment(5000)
    told: dict[str, Any] = {"payment_id": paid.payment_id, "currency": "eur", "version": 1}
    good, bad = new_id(), new_id()
    await hear(
        story,
        RefundFailed(refund_id=bad, amount=700, **told),
        RefundIssued(refund_id=good, amount=300, **told),
        paid,
        RefundIssued(refund_id=bad, amount=700, **told),
        RefundIssued(refund_id=good, amount=300, **told),
    )
    assert await revenue(story) == [
        [{"currency": "eur", "payments": 1, "received": 5000, "refunds": 1, "refunded": 300, "net": 4700}]
    ]


async def test_what_is_told_at_the_same_time_is_added_all(story: Story, forward: Forward) -> None:
    await until_noon(story, forward)
    await asyncio.gather(*(hear(story, payment(100)) for _ in range(12)))
    ((today,),) = await revenue(story)
    assert (today["payments"], today["received"]) == (12, 1200)


async def test_money_is_forgotten_with_its_day_and_what_was_counted_before(story: Story, forward: Forward) -> None:
    await hear(story, payment(100))
    await forward(61 * DAY)
    await story.parts.staff.statistics.count()
    assert (await story.count("daily_revenue"), await story.count("counted_facts")) == (1, 0)
    await forward(3 * 366 * DAY)
    await story.parts.staff.statistics.count()
    assert await story.count("daily_revenue") == 0


def made(kind: str, cost_micros: int) -> GenerationFinished:
    return GenerationFinished(
        organization_id=new_id(),
        generation_id=new_id(),
        kind=kind,
        model="gpt-5-mini",
        input_tokens=100,
        output_tokens=20,
        cost_micros=cost_micros,
        plain_micros=cost_micros,
        version=1,
    )


async def test_generations_are_counted_once_by_day_and_kind_with_what_they_cost(
    story: Story, forward: Forward
) -> None:
    await until_noon(story, forward)
    first = made("captions", 1200)
    await hear(story, first, made("captions", 800), made("replies", 50))
    await hear(story, first)
    await story.parts.staff.statistics.count()
    (today,) = await read(await hired(story, StaffRole.SUPPORT))
    assert today["generations"] == [
        {"kind": "captions", "finished": 2, "cost_micros": 2000},
        {"kind": "replies", "finished": 1, "cost_micros": 50},
    ]
