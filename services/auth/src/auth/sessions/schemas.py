from datetime import date
from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr

from auth.accounts.schemas import Password
from auth.challenges.schemas import EmailOrPhone, LinkToken
from auth.sessions.overview import Statistics
from auth.sign_ins.model import Proof
from kit.http.models import Model, Out


class SignIn(EmailOrPhone):
    """A new session; with an organization, to act in it at once."""

    password: Password
    organization_id: UUID | None = None


class Refresh(Model):
    """The refresh token, unless it is in a cookie; with an organization, to act in that one from now on."""

    refresh_token: SecretStr | None = Field(default=None, max_length=256)
    organization_id: UUID | None = None


class Unlock(Model):
    """The token of the link in the mail that told of a lock."""

    token: LinkToken


class TokensOut(Out):
    """What the next requests need; keep the tokens secret and always use the newest refresh token.

    With `Session-Mode: cookie` both tokens are in cookies that no script can read, and null here; then state
    `csrf_token` as X-CSRF-Token with every request that changes something.
    """

    access_token: str | None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a name, not a secret
    expires_in: int = Field(description="Seconds the access token is good for.")
    refresh_token: str | None
    session_id: UUID
    user_id: UUID
    organization_id: UUID | None
    role: str | None
    device_token: str | None = Field(
        default=None,
        description="Keep it and send it as Device-Token: by it this device is known again.",
    )
    csrf_token: str | None = Field(default=None, description="In cookie mode only.")


class FactorNeededOut(Out):
    """The first factor was right; complete the sign-in with one of these."""

    sign_in_token: str
    factors: list[Proof]
    expires_in: int = Field(description="Seconds until the sign-in is over.")


class AgentOut(Out):
    """What a session was last used with, as far as it says."""

    program: str | None = Field(examples=["Firefox"])
    system: str | None = Field(examples=["Windows"])


class SessionOut(Out):
    """One of my sessions."""

    id: UUID
    current: bool = Field(description="Whether this is the one that asks.")
    device_id: UUID | None = Field(description="The device it was begun on; null when that was forgotten.")
    device_name: str | None
    agent: AgentOut
    ip_address: str | None = Field(description="From where it was last used.")
    proofs: list[Proof] = Field(description="What I have shown in it: by what it was begun, and since.")
    organization_id: UUID | None
    created_at: AwareDatetime
    last_seen_at: AwareDatetime = Field(description="To about a minute.")
    expires_at: AwareDatetime


class CurrentSessionOut(Out):
    """Who is signed in; for a page that was loaded anew."""

    session: SessionOut
    user_id: UUID
    organization_id: UUID | None
    role: str | None
    idle_expires_at: AwareDatetime = Field(description="When it ends if it is not refreshed until then.")
    fresh_until: AwareDatetime | None = Field(
        description="Until when what is sensitive asks for no further proof; null or past: show one first."
    )
    factors: list[Proof] = Field(description="My second factors in use.")
    csrf_token: str | None = Field(default=None, description="In cookie mode only; state it as X-CSRF-Token.")


class DayOut(Out):
    """A day, in UTC, on which there was something."""

    day: date
    sign_ins: int
    refusals: int = Field(description="How often a wrong password was tried on my account.")
    minutes: int = Field(description="Minutes in which I was seen.")


class SessionStatisticsOut(Out):
    """The last thirty days."""

    days: list[DayOut]
    sign_ins: int
    refusals: int
    sessions: int = Field(description="Sessions that go on now.")
    devices: int = Field(description="Devices on which I am known now.")

    @classmethod
    def of(cls, statistics: Statistics) -> Self:
        """What there is, with sums."""
        return cls(
            days=[DayOut.model_validate(each) for each in statistics.days],
            sign_ins=sum(each.sign_ins for each in statistics.days),
            refusals=sum(each.refusals for each in statistics.days),
            sessions=statistics.totals.sessions,
            devices=statistics.totals.devices,
        )


class Seen(Model):
    """Sessions that a gateway saw within the last minute."""

    session_ids: list[UUID] = Field(max_length=10_000)


class SeenOut(Out):
    """Of how many people a minute was counted."""

    people: int


class RevocationOut(Out):
    """One session of a user has ended, or, without one, every token older than the epoch is void."""

    user_id: UUID
    session_id: UUID | None
    epoch: int
    revoked_at: AwareDatetime


class RevocationsOut(Out):
    """What ended lately."""

    now: AwareDatetime
    revocations: list[RevocationOut]
    removed_keys: list[str]
