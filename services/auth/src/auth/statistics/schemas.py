from datetime import date

from pydantic import AwareDatetime, Field

from kit.http.models import Out


class RevenueOut(Out):
    """Money of one day in one currency, in the minor unit of the currency."""

    currency: str = Field(description="As ISO 4217 has it, in small letters.", examples=["eur"])
    payments: int = Field(description="Payments that succeeded.")
    received: int
    refunds: int = Field(description="Refunds that were issued, less those that failed.")
    refunded: int
    net: int = Field(description="What was received less what was refunded.")


class GenerationsOut(Out):
    """What was generated on one day of one kind."""

    kind: str = Field(examples=["captions"])
    finished: int = Field(description="Generations that came to something that may be shown.")
    cost_micros: int = Field(description="What all calls for them cost, in millionths of a US dollar.")


class FiguresOut(Out):
    """One day in UTC: what there was at its end, or is by now, and what happened on it."""

    day: date
    users: int = Field(description="Accounts, verified or not.")
    verified_users: int
    suspended_users: int
    with_second_factor: int = Field(description="Verified users with an authenticator app or a passkey in use.")
    second_factor_share: float = Field(description="The same, as a part of the verified users.")
    sign_ups: int = Field(description="Accounts opened on the day.")
    active_users: int = Field(description="Users who signed in or were seen by a gateway on the day.")
    weekly_active_users: int = Field(description="The same within the seven days that end with the day.")
    sign_ins: int = Field(description="Sessions begun on the day.")
    refusals: int = Field(description="Attempts to sign in to an account that were refused on the day.")
    sessions: int = Field(description="Sessions that go on.")
    organizations: int
    new_organizations: int
    impersonations: int = Field(description="Times that staff began to act in a person's place on the day.")
    revenue: list[RevenueOut] = Field(description="By currency; a currency in which nothing moved is missing.")
    generations: list[GenerationsOut] = Field(description="By kind; a kind of which nothing was made is missing.")
    counted_at: AwareDatetime


class StatisticsOut(Out):
    """The numbers of the platform, the newest day first."""

    days: list[FiguresOut]
