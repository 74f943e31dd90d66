from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from inbox.whatsapp.pacing import COEXISTING
from kit.http.models import Model, Out

MOST_PEOPLE = 100_000_000


class SetPace(Model):
    """How fast a number may go, and to how many people all numbers of its portfolio may write first in a day."""

    rate: int = Field(ge=1, le=1000, description="Messages per second; the platform may take fewer.")
    coexists: bool = Field(False, description="The number is also used in WhatsApp's own app: 20 a second at most.")
    portfolio: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,64}$")] = Field(
        "", description="The id of its business portfolio at Meta; empty: its business account stands for it."
    )
    daily_limit: int | None = Field(
        None, ge=1, le=MOST_PEOPLE, description="People within 24 hours, by the tier; null: not known, or no limit."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.coexists and self.rate > COEXISTING:
            raise ValueError(f"a number that is also used in the app sends at most {COEXISTING} messages per second")
        return self


class PaceOut(Out):
    """What a number may do just now, by its platform and by what was said of it."""

    rate: int = Field(description="Messages per second when nothing is wrong.")
    pace: float = Field(description="Messages per second just now: the rate, less while the platform complains.")
    brake_code: str = Field(description="The platform's code that slowed it down; empty when nothing did.")
    braked_at: datetime | None
    coexists: bool
    quality: str = Field(description="`GREEN`, `YELLOW`, `RED` or `UNKNOWN`.")
    portfolio: str = Field(description="Whose numbers share the limit: a portfolio, or else the business account.")
    daily_limit: int | None = Field(description="Who may be written to first within 24 hours; null: any number.")
    used: int = Field(description="How many were, over all numbers of the portfolio that we know.")
    left: int | None
    numbers_limit: int | None = Field(description="Numbers that the business may have, where that was told.")
    version: int = Field(description="That of the channel; also the ETag.")
