"""What X says in its headers about what is left."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from kit.http.client import Answer
from publisher.platforms.base import Quota
from publisher.platforms.windows import told_at

WINDOW: Final = 900.0
DAY: Final = 86_400.0
APPLICATION: Final = "x-app-limit-24hour-"
_USED_UP: Final = "0"


def quota_of(answer: Answer, now: datetime) -> Quota | None:
    """What the headers say of the account: its 15 minutes, or its day where less is left of that."""
    soon = _read(answer.headers, "x-rate-limit-", WINDOW, answer, now)
    day = _read(answer.headers, "x-user-limit-24hour-", DAY, answer, now)
    if soon is None or day is None:
        return soon or day
    return day if day.limit - day.used < soon.limit - soon.used else soon


def application_is_full(answer: Answer) -> bool:
    """Whether the application's day is used up, whoever posts."""
    return answer.headers.get(f"{APPLICATION}remaining") == _USED_UP


def until_reset(answer: Answer) -> float | None:
    """Seconds until the window that is used up begins anew, by X's clock."""
    for prefix in (APPLICATION, "x-user-limit-24hour-", "x-rate-limit-"):
        if answer.headers.get(f"{prefix}remaining") == _USED_UP:
            left = _left(answer, prefix, datetime.now(UTC))
            if left is not None:
                return max(1.0, left)
    return None


def _read(headers: Mapping[str, str], prefix: str, window: float, answer: Answer, now: datetime) -> Quota | None:
    limit, remaining = _whole(headers.get(f"{prefix}limit")), _whole(headers.get(f"{prefix}remaining"))
    left = _left(answer, prefix, now)
    if limit is None or remaining is None or left is None:
        return None
    return Quota(limit, max(0, limit - remaining), window, now + timedelta(seconds=left))


def _left(answer: Answer, prefix: str, now: datetime) -> float | None:
    reset = _whole(answer.headers.get(f"{prefix}reset"))
    return None if reset is None else reset - told_at(answer, now).timestamp()


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 13 else None
