from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from billing.catalogue.model import MOST_SEATS, Interval
from billing.checkouts.model import Checkout, Wish
from billing.checkouts.service import Shown
from kit.http.models import Model, Out


class Subscribe(Model):
    """What to subscribe to; GET /v1/billing/plans says what there is."""

    plan: Annotated[str, Field(max_length=40, examples=["pro"])]
    interval: Interval
    currency: Annotated[str, Field(pattern=r"^[a-z]{3}$", examples=["eur"])]
    seats: int = Field(0, ge=0, le=MOST_SEATS, description="Seats beside those included.")
    promotion_code: Annotated[str | None, Field(min_length=3, max_length=40, pattern=r"^[A-Za-z0-9-]+$")] = None
    trial: bool = Field(False, description="Whether to try first; each organization may do so once.")

    def wish(self) -> Wish:
        """What is wanted."""
        return Wish(self.plan, self.interval, self.currency, self.seats, self.promotion_code, self.trial)


class CheckoutOut(Out):
    """A page of the payment provider's to which a browser is sent."""

    id: UUID
    kind: str = Field(examples=["subscription", "card", "portal"])
    state: str = Field(examples=["open", "completed", "expired", "refused"])
    url: str | None = Field(description="Where to send the browser, while the page is open.")
    plan: str | None
    interval: Interval | None
    currency: str | None
    seats: int
    trial_days: int
    promotion_code: str | None
    reason: str = Field(description="Why it was refused, in plain words.")
    expires_at: AwareDatetime | None
    created_at: AwareDatetime
    version: int

    @classmethod
    def of(cls, checkout: Checkout, url: str | None = None) -> Self:
        """The checkout as people see it."""
        offer = checkout.offer
        return cls(
            id=checkout.id,
            kind=checkout.kind,
            state=checkout.state,
            url=url,
            plan=offer.plan if offer else None,
            interval=offer.interval if offer else None,
            currency=offer.currency if offer else None,
            seats=offer.seats if offer else 0,
            trial_days=offer.trial_days if offer else 0,
            promotion_code=offer.promotion_code if offer else None,
            reason=checkout.reason,
            expires_at=checkout.expires_at,
            created_at=checkout.created_at,
            version=checkout.version,
        )

    @classmethod
    def shown(cls, shown: Shown) -> Self:
        """The same with its address."""
        return cls.of(shown.checkout, shown.url)


class EligibilityOut(Out):
    """Whether the organization may subscribe now."""

    may_subscribe: bool
    why_not: str | None = Field(description="The code of the problem that subscribing would answer.")
    may_try: bool = Field(description="Whether its one trial is still to be had.")
    open_checkout_id: UUID | None
