from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr

from auth.accounts.schemas import Address, LinkToken, Password
from auth.sign_ins.model import Proof
from kit.http.models import Model, Out


class SignIn(Model):
    """A new session; with an organization, to act in it at once."""

    email: Address
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
