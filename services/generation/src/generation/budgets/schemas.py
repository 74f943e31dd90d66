from datetime import date, datetime
from typing import Self

from pydantic import Field

from generation.calls.model import Spending
from kit.http.models import Model, Out
from kit.quota import Use


class ChangeBudget(Model):
    """What may be spent in a month."""

    monthly_micros: int = Field(ge=0, le=10**12, description="In millionths of a US dollar.", examples=[20_000_000])


class BudgetOut(Out):
    """How this month stands, in millionths of a US dollar; and the generations that the plan includes."""

    month: date = Field(description="Its first day, by UTC.")
    currency: str = "usd"
    limit_micros: int
    spent_micros: int
    reserved_micros: int = Field(description="Set aside for calls under way: the most that they can cost.")
    left_micros: int
    generations_used: int
    generations_allowed: int | None = Field(description="What the plan includes in a month; null is without limit.")
    generations_renew_at: datetime | None

    @classmethod
    def of(cls, found: tuple[Spending, Use]) -> Self:
        """How it stands now."""
        spending, use = found
        return cls(
            month=spending.month,
            limit_micros=spending.limit,
            spent_micros=spending.spent,
            reserved_micros=spending.reserved,
            left_micros=spending.left,
            generations_used=use.used + use.reserved,
            generations_allowed=use.allowed,
            generations_renew_at=use.renews_at,
        )
