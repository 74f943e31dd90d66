from datetime import datetime
from typing import Self

from pydantic import Field

from kit.http.models import Out
from publisher.budgets.service import Standing


class BudgetOut(Out):
    """What an account may publish within a window, as far as is known."""

    limit: int | None = Field(description="The lower of the rules and what the platform told; null: none is known.")
    window_hours: float | None
    used: int = Field(description="Published by us within the window, up to now.")
    elsewhere: int = Field(description="Published otherwise, as the platform counts.")
    left: int | None
    told_limit: int | None = Field(description="What the platform told; null where it tells nothing.")
    told_at: datetime | None
    resets_at: datetime | None = Field(description="When the window begins anew; null where it slides.")

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """How it stands."""
        budget, told = standing.budget, standing.told
        room = None if budget is None else budget.room(standing.at)
        return cls(
            limit=None if budget is None else budget.limit,
            window_hours=None if budget is None else budget.window.total_seconds() / 3600,
            used=standing.used,
            elsewhere=0 if budget is None or room is None else budget.limit - room,
            left=None if budget is None else standing.left,
            told_limit=None if told is None else told.limit,
            told_at=None if told is None else told.told_at,
            resets_at=None if told is None else told.resets_at,
        )
