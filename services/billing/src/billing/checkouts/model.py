"""A page of Stripe's to which a browser is sent, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing.catalogue.model import Interval


class CheckoutKind(StrEnum):
    """What the page is for: to subscribe, to give another card, to manage what there is."""

    SUBSCRIPTION = "subscription"
    CARD = "card"
    PORTAL = "portal"


class CheckoutState(StrEnum):
    """`opening` until Stripe has made the page; `completed`, `expired` and `refused` are ends."""

    OPENING = "opening"
    OPEN = "open"
    COMPLETED = "completed"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to subscribe to; `seats` are those beside the included ones."""

    plan: str
    interval: Interval
    currency: str
    seats: int = 0
    promotion_code: str | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A wish as the catalogue grants it."""

    plan: str
    version: int
    interval: Interval
    currency: str
    seats: int
    trial_days: int
    promotion_code: str | None


@dataclass(frozen=True, slots=True)
class Checkout:
    """The row; `offer` is there for those that subscribe, `url` (sealed) while the page is open."""

    id: UUID
    organization_id: UUID
    kind: CheckoutKind
    offer: Offer | None
    state: CheckoutState
    reason: str
    code: str
    stripe_session_id: str | None
    stripe_subscription_id: str | None
    stripe_setup_id: str | None
    url: bytes | None
    expires_at: datetime | None
    version: int
    created_at: datetime

    @property
    def place(self) -> bytes:
        """Where the sealed address rests."""
        return url_place(self.id)


def url_place(checkout_id: UUID) -> bytes:
    """Where the sealed address of a page rests."""
    return f"checkouts/{checkout_id}/url".encode()
