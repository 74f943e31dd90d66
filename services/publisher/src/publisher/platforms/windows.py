"""The time in which a post may have appeared, by the platform's own clock."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from kit.http.client import Answer

SKEW: Final = timedelta(minutes=2)


def told_at(answer: Answer, now: datetime) -> datetime:
    """The platform's time when it answered; ours when it did not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return now


def began(answer: Answer, since: datetime | None, called_at: datetime, now: datetime) -> datetime:
    """The beginning of the window: when the first attempt began, by the platform's clock, and a little before."""
    age = now - min(since or called_at, called_at) + SKEW
    return told_at(answer, now) - age


def moment(text: object) -> datetime:
    """A time as RFC 3339 writes it; long ago where it is none."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
