"""What platforms take from our whole application, whoever publishes through it: counted and known in one place.

Organizations learn nothing of each other by it but until when there is no room.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.event import rfc3339
from kit.db.database import Transaction
from postrules.limits import LIMITS, Platform
from publisher.accounts.model import Account
from publisher.budgets.repository import ProjectRepository
from publisher.platforms.base import Bucket
from publisher.platforms.base import Platform as Api
from publisher.posts.errors import TimeNotAcceptable

_AHEAD: Final = 14
"""How many days ahead a day with room is looked for."""


async def within_projects(
    tx: Transaction, post_id: UUID, at: datetime, accounts: Mapping[UUID, Account], platforms: Mapping[Platform, Api]
) -> None:
    """Let a post leave then, as far as our application as a whole may publish that day.

    Raises:
        TimeNotAcceptable: there is no room; `suggestions` holds the first time when there is, where one is known.
    """
    wanted = Counter(account.platform for account in accounts.values())
    projects = ProjectRepository(tx)
    known = await projects.full(wanted) if wanted else {}
    for platform, until in sorted(known.items()):
        if at < until:
            raise _refused(platform, until)
    for platform, number in sorted(wanted.items()):
        bucket = platforms[platform].capabilities.bucket
        if bucket is not None:
            await projects.lock(platform)
            day = at.astimezone(ZoneInfo(bucket.zone)).date()
            first, last = _begins(day, bucket), _begins(day + timedelta(days=_AHEAD), bucket)
            planned = await projects.planned(first, last, bucket.zone, post_id)
            if planned[day] + number > bucket.limit:
                raise _refused(platform, _with_room(day, bucket, planned, number))


def _with_room(day: date, bucket: Bucket, planned: Mapping[date, int], number: int) -> datetime | None:
    """When the next day begins that has room; None where none of those that are looked at has."""
    days = (day + timedelta(days=ahead) for ahead in range(1, _AHEAD))
    free = next((each for each in days if planned.get(each, 0) + number <= bucket.limit), None)
    return None if free is None else _begins(free, bucket)


def _begins(day: date, bucket: Bucket) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(bucket.zone))


def _refused(platform: Platform, later: datetime | None) -> TimeNotAcceptable:
    name = LIMITS[platform].name
    detail = f"{name} takes only so many posts of our application a day, and there is no room then"
    if later is None:
        return TimeNotAcceptable("#/publish_at", f"{detail}; choose a time more than two weeks later.")
    at = rfc3339(later + timedelta(minutes=1))
    return TimeNotAcceptable("#/publish_at", f"{detail} until {at}; choose a later time.", suggestions=(at,))
