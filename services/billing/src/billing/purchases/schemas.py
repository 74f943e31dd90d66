from uuid import UUID

from pydantic import Field

from billing.catalogue.model import Interval
from billing.checkouts.model import Wish
from contracts.names import Name
from kit.http.models import Model, Out


class BuyAsGuest(Model):
    """Subscribe without an account."""

    plan: Name = Field(examples=["pro"])
    interval: Interval
    currency: str = Field(pattern=r"^[a-z]{3}$", examples=["eur"])

    def wish(self) -> Wish:
        """What is wanted."""
        return Wish(self.plan, self.interval, self.currency)


class PurchaseOut(Out):
    """Where to pay, and what to keep."""

    id: UUID
    url: str = Field(description="The page of the payment provider; send the browser there. It is open for a day.")
    claim_code: str = Field(
        description="26 characters, shown this once: show them with the receipt. An organization that is founded "
        "later claims the subscription by them."
    )
