from datetime import datetime
from typing import Self

from pydantic import Field

from kit.http.models import Out
from kit.quota import Meter, Use


class AllowanceOut(Out):
    """How much of one thing the plan includes, and how much of it is taken."""

    meter: str
    used: int
    reserved: int = Field(description="Set aside for what is scheduled and has not left.")
    allowed: int | None = Field(description="What the plan includes; null is without limit.")
    left: int | None
    renews_at: datetime | None = Field(description="When the next month begins; null for what is held.")

    @classmethod
    def of(cls, meter: Meter, use: Use) -> Self:
        """How it stands now."""
        return cls(
            meter=meter.name,
            used=use.used,
            reserved=use.reserved,
            allowed=use.allowed,
            left=use.left,
            renews_at=use.renews_at,
        )


class AllowancesOut(Out):
    """What the plan includes of the publisher's work."""

    items: list[AllowanceOut]
