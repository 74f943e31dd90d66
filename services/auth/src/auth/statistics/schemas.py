from datetime import date

from pydantic import AwareDatetime, Field

from kit.http.models import Out


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
    counted_at: AwareDatetime


class StatisticsOut(Out):
    """The numbers of the platform, the newest day first."""

    days: list[FiguresOut]
