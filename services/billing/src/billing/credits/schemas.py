from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from billing.credits.model import MOST
from contracts.names import Name
from kit.http.models import Model, Out

Amount = Annotated[int, Field(ge=1, le=MOST, description="Whole credits.")]


class GrantCredits(Model):
    """Credits for an organization."""

    amount: Amount
    reason: Name = Field(description="Why, as a name.", examples=["goodwill"])
    priority: int = Field(50, ge=0, le=100, description="Lower is spent first.")
    expires_at: AwareDatetime | None = Field(None, description="When what is left of them ends; never if absent.")


class SpendCredits(Model):
    """Spend credits; sent again with the same id it is the same spend."""

    id: UUID = Field(description="An id that you choose.")
    amount: Amount
    purpose: Name = Field(description="For what, as a name.", examples=["image_generation"])


class ReturnCredits(Model):
    """Give credits back that were spent."""

    amount: Amount


class ExpireCredits(Model):
    """End these lots now."""

    lot_ids: list[UUID] = Field(min_length=1, max_length=100)


class BalanceOut(Out):
    """What can be spent now."""

    available: int
    next_end: AwareDatetime | None = Field(description="When the next of them end.")
    ending: int = Field(description="How many end then.")
    version: int


class LotOut(Out):
    """Credits that were granted together."""

    id: UUID
    reason: str
    priority: int
    expires_at: AwareDatetime | None
    granted: int
    available: int
    spent: int
    expired: int
    created_at: AwareDatetime


class LotsOut(Out):
    """Some lots."""

    items: list[LotOut]


class SpendOut(Out):
    """What was spent at once."""

    id: UUID
    purpose: str
    amount: int
    returned: int
    created_at: AwareDatetime


class MovementOut(Out):
    """One line of the books."""

    id: UUID
    lot_id: UUID
    spend_id: UUID | None
    taken_from: str
    put_into: str
    amount: int
    created_at: AwareDatetime
