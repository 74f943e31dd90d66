"""The numbers of the platform: counted by a loop, exact for what they say, and kept when people are forgotten."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.staff.permissions import StaffRole
from auth.statistics.model import to_count

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
