"""The words of reconciliation: windows of time, what is compared in them, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from kit.db.database import Transaction

Json = Mapping[str, Any]

WINDOW: Final = timedelta(days=7)
"""How much of the time of creation is compared at once."""

NIGHT: Final = 2
"""The hour, in UTC, at which everything is compared."""

Finding = Literal["differs", "missing_here", "missing_there", "nobodys"]
"""`nobodys` belongs to a customer at Stripe that is none of ours, or not yet."""


@dataclass(frozen=True, slots=True)
class Held:
    """An object that we hold."""

    id: UUID
    organization_id: UUID
    object_id: str
    created_at: datetime
    """At Stripe."""


class Compared(Protocol):
    """One type of object that is compared."""

    @property
    def type(self) -> str:
        """The type, as readings know it."""

    @property
    def path(self) -> str:
        """Where Stripe lists it; the list takes `created`."""

    @property
    def params(self) -> Json:
        """What else the list is asked with, so that it is complete."""

    @property
    def reach(self) -> timedelta | None:
        """How far back a night looks; None is to the beginning, as when staff ask."""

    async def differences(self, tx: Transaction, listed: Mapping[str, Json]) -> Mapping[str, Sequence[str]]:
        """For each that we hold, by Stripe's id, the names of what differs; in a transaction of its organization."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that was found."""

    object_id: str
    organization_id: UUID | None
    finding: Finding
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A comparison of everything, on its way; `fence` tells those apart who work on it one after the other."""

    id: UUID
    fence: int
    object_type: str | None
    compared_to: datetime | None
    failures: int
    asked_by: str = "night"


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of time of one type: what was created at `since` is in it, what was at `until` is not."""

    type: str
    since: datetime
    until: datetime


def next_window(reconciliation: Reconciliation, beginnings: Mapping[str, datetime], now: datetime) -> Window | None:
    """What is to be compared next, type by type from its beginning on; None at the end.

    What was created a minute ago or later is left to readings.
    """
    end = (now - timedelta(minutes=1)).replace(microsecond=0)  # Stripe counts in whole seconds
    types = list(beginnings)
    place = types.index(reconciliation.object_type) if reconciliation.object_type in types else 0
    since = reconciliation.compared_to or beginnings[types[place]]
    while since >= end:
        place += 1
        if place >= len(types):
            return None
        since = beginnings[types[place]]
    return Window(types[place], since, min(since + WINDOW, end))


def beginnings(
    compared: Sequence[Compared], reconciliation: Reconciliation, beginning: datetime, now: datetime
) -> Mapping[str, datetime]:
    """From when on each type is compared: old money hardly ever changes, so a night leaves it to who asks."""
    whole = reconciliation.asked_by != "night"
    since = {each.type: beginning if whole or each.reach is None else now - each.reach for each in compared}
    return {name: max(beginning, at).replace(microsecond=0) for name, at in since.items()}


def halved(window: Window) -> Window | None:
    """The first half of a window in which there is too much; None when it is a second only."""
    half = int((window.until - window.since).total_seconds()) // 2
    return replace(window, until=window.since + timedelta(seconds=half)) if half else None


def next_night(now: datetime) -> datetime:
    """When the next nightly comparison is due."""
    tonight = now.astimezone(UTC).replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return tonight if tonight > now else tonight + timedelta(days=1)
