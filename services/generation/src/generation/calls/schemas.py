from datetime import datetime
from typing import Self

from pydantic import Field

from generation.calls.model import Period, Saving, UsageLine
from generation.calls.repository import By
from kit.http.models import Out


class UsageLineOut(Out):
    """What was used and spent of one day, user, feature or model."""

    key: str = Field(description="The day (UTC), the user's id (empty once they were forgotten), feature or model.")
    calls: int
    input_tokens: int
    cached_tokens: int = Field(description="Those of the input that the provider had in its own cache.")
    output_tokens: int
    milliseconds: int
    cost_micros: int
    plain_micros: int = Field(description="What the same would have cost without routing, cache and batch.")

    @classmethod
    def of(cls, line: UsageLine) -> Self:
        """A line as it is shown."""
        return cls(
            key=line.key,
            calls=line.calls,
            input_tokens=line.input_tokens,
            cached_tokens=line.cached_tokens,
            output_tokens=line.output_tokens,
            milliseconds=line.milliseconds,
            cost_micros=line.cost,
            plain_micros=line.plain,
        )


class SavingOut(Out):
    """What one way of saving saved."""

    way: str = Field(examples=["cache", "semantic", "routing", "compaction", "batch"])
    calls: int
    cost_micros: int
    plain_micros: int
    saved_percent: float = Field(description="How much of the plain cost was saved.")

    @classmethod
    def of(cls, saving: Saving) -> Self:
        """A saving as it is shown."""
        percent = 0.0 if saving.plain == 0 else round(100 * (saving.plain - saving.cost) / saving.plain, 1)
        return cls(
            way=saving.way,
            calls=saving.calls,
            cost_micros=saving.cost,
            plain_micros=saving.plain,
            saved_percent=percent,
        )


class UsageOut(Out):
    """What was used and spent in a period, in millionths of a US dollar."""

    since: datetime
    until: datetime = Field(description="The first instant after the period.")
    by: By
    currency: str = "usd"
    items: list[UsageLineOut]
    savings: list[SavingOut]

    @classmethod
    def of(cls, by: By, period: Period, lines: list[UsageLineOut], savings: list[SavingOut]) -> Self:
        """The whole answer."""
        return cls(since=period.since, until=period.until, by=by, items=lines, savings=savings)
