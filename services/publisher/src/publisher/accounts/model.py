"""A connected account, how it is, and when its tokens are renewed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.ledger.model import Lane
from postrules.limits import LIMITS, Platform
from publisher.notifications.model import Notifications

WARNED_AHEAD: Final = timedelta(days=7)
RENEWED_BETWEEN: Final = (0.5, 0.7)
LEAST_LIFE: Final = timedelta(minutes=5)


class AccountKind(StrEnum):
    """Whose account it is: a person's, or the page of an organization."""

    MEMBER = "member"
    ORGANIZATION = "organization"


class AccountState(StrEnum):
    """What we know of its tokens."""

    CONNECTED = "connected"
    RECONNECT_NEEDED = "reconnect_needed"
    DISCONNECTED = "disconnected"


class Health(StrEnum):
    """How an account is, as its people see it."""

    CONNECTED = "connected"
    EXPIRING = "expiring"
    RECONNECT_NEEDED = "reconnect_needed"


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account without its tokens, what names it under seal (`accounts.sealing`).

    `good_until` is when a person must reconnect at the latest; None when the platform did not say. `tokens_id` names
    the version of its tokens. Of an account that was forgotten only the row is left: it has no name any more.
    """

    id: UUID
    organization_id: UUID
    platform: Platform
    kind: AccountKind
    external_blind: bytes | None
    external_sealed: bytes | None
    name_sealed: bytes | None
    scopes: tuple[str, ...]
    state: AccountState
    reason: str
    told: Health
    connected_by: UUID | None
    access_expires_at: datetime | None
    renewable: bool
    tokens_id: UUID
    tokens_at: datetime
    good_until: datetime | None
    version: int
    created_at: datetime
    changed_at: datetime
    notifications: Notifications = Notifications.OFF
    notifications_reason: str = ""

    def health(self, now: datetime) -> Health:
        """How it is at this time."""
        if self.state is not AccountState.CONNECTED:
            return Health.RECONNECT_NEEDED
        if self.good_until is None or now < self.good_until - WARNED_AHEAD:
            return Health.CONNECTED
        return Health.EXPIRING if now < self.good_until else Health.RECONNECT_NEEDED

    def why(self, now: datetime) -> str:
        """The reason for its health in plain words; empty while all is well."""
        health = self.health(now)
        if health is Health.CONNECTED:
            return ""
        if health is Health.EXPIRING:
            return "The permission ends soon; connect the account again before that."
        return self.reason or "The permission has ended; connect the account again."

    @property
    def lane(self) -> Lane:
        """What shares the pace of this account."""
        return lane_of(self.organization_id, self.platform, self.id)

    @property
    def renewal_lane(self) -> Lane:
        """Where its tokens are renewed: not on its own lane, which is held while they are dead."""
        return Lane(self.organization_id, f"{self.platform}-token:{self.id}")


@dataclass(frozen=True, slots=True)
class Named:
    """An account with the platform's id of it and its name in the clear; None once they were forgotten."""

    account: Account
    external_id: str | None
    name: str | None


def lane_of(organization_id: UUID, platform: Platform, account_id: UUID) -> Lane:
    """The lane of an account, paced as its platform allows."""
    return Lane(organization_id, f"{platform}:{account_id}", LIMITS[platform].pace.number)


def renew_at(now: datetime, expires_at: datetime, chance: float) -> datetime:
    """When to renew: between 50 and 70 % of the token's life, spread by `chance` from 0 to 1."""
    first, last = RENEWED_BETWEEN
    life = max(expires_at - now, LEAST_LIFE)
    return now + life * (first + (last - first) * chance)


def judged_at(now: datetime, good_until: datetime | None) -> datetime | None:
    """When the health is to be looked at next: when it is due to warn, then when the permission ends."""
    if good_until is None:
        return None
    warning = good_until - WARNED_AHEAD
    return warning if now < warning else good_until if now < good_until else None
