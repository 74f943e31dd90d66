from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from inbox.channels.base import Platform
from inbox.channels.catalogue import Health as Ill

Health = Literal["ok"] | Ill
Outcome = Literal["pending", "connected", "taken", "refused"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A number of the organization; `rate` is how many messages per second the platform takes from it."""

    id: UUID
    kind: str
    phone_number_id: str
    waba_id: str
    display_name: str
    display_number: str
    rate: int
    connected: bool
    health: Health
    health_code: str
    health_reason: str
    version: int
    created_at: datetime
    silent: bool = False
    """Whether nothing can be answered through it."""
    brake: float = 1.0
    """The share of its rate that is used: less than 1 while its platform complains."""

    @property
    def pace(self) -> float:
        """Messages per second that leave through it just now, at most."""
        return pace_of(self.rate, self.brake)


@dataclass(frozen=True, slots=True)
class Check:
    """An attempt to connect a number; `channel_id` is the id its channel gets, if the number has none yet.

    Without a rate it gets the one that the platform tells. Who asked is forgotten when it has ended.
    """

    id: UUID
    phone_number_id: str
    waba_id: str
    rate: int | None
    channel_id: UUID
    asked_by: UUID | None = None
    kind: str = "whatsapp"
    outcome: Outcome = "pending"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was told: a channel, and the platform it is one of."""

    channel_id: UUID
    platform: Platform


def pace_of(rate: int, brake: float) -> float:
    """Messages per second of a number that is braked; never none."""
    return max(0.5, rate * brake)


def rate_of(wanted: int | None, told: int | None, usual: int) -> int:
    """Messages per second of an end: never more than its platform tells, where it tells that."""
    if told is None:
        return wanted or usual
    return min(wanted or told, told)


def cause_of(channel_id: UUID) -> str:
    """Under which name a channel's lane is held because of what was told of its account."""
    return f"account/{channel_id}"


def lane_of(channel_id: UUID, kind: str = "whatsapp") -> str:
    """The lane on which messages leave."""
    return f"{kind}:{channel_id}"


def media_lane_of(channel_id: UUID, kind: str = "whatsapp") -> str:
    """The lane on which media are fetched; apart, so that pictures and messages do not wait for one another."""
    return f"{kind}-media:{channel_id}"
