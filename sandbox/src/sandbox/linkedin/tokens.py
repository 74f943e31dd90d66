"""Codes and tokens: issued, looked at, spent, taken back."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sandbox.linkedin import errors
from sandbox.linkedin.world import World
from sandbox.shelf import Shelf

KEPT_TOKENS = 20_000
WRONG_CODE = (
    "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. "
    "Or authorization code expired. Or external member binding exists"
)
WRONG_REFRESH_TOKEN = "The provided authorization grant or refresh token is invalid, expired or revoked"  # noqa: S105

State = Literal["live", "revoked", "expired"]


@dataclass(slots=True)
class Grant:
    """What a member has allowed: the scopes, and until when the refresh token lives."""

    person_id: str
    scopes: tuple[str, ...]
    refresh_token: str
    refresh_until: float


@dataclass(slots=True)
class Code:
    """An authorization code on its way; good once."""

    person_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    until: float


@dataclass(slots=True)
class AccessToken:
    """An access token as it was issued."""

    value: str
    grant: Grant
    until: float
    revoked: bool = False
    issued_at: float = field(default_factory=time.time)

    @property
    def state(self) -> State:
        """Whether it can be used now."""
        if self.revoked:
            return "revoked"
        return "live" if time.time() < self.until else "expired"


class Tokens:
    """All codes and tokens of the application."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: Shelf[str, Code] = Shelf(most=KEPT_TOKENS)
        self._grants: Shelf[str, Grant] = Shelf(most=KEPT_TOKENS)
        self.issued: Shelf[str, AccessToken] = Shelf(most=KEPT_TOKENS)

    def new_code(self, person_id: str, scopes: tuple[str, ...], redirect_uri: str) -> str:
        """The code that a member's consent gives."""
        value = secrets.token_urlsafe(48)
        until = time.time() + self._world.app.code_seconds
        self._codes.put(value, Code(person_id, scopes, redirect_uri, until))
        return value

    def redeem(self, code: str, redirect_uri: str) -> AccessToken:
        """Spend a code. Asking for other scopes than before ends all that the member's older tokens could do."""
        found = self._codes.take(code)
        if found is None or found.until <= time.time() or found.redirect_uri != redirect_uri:
            raise errors.oauth_error(400, "invalid_request", WRONG_CODE)
        for older in self.issued.all(lambda one: one.grant.person_id == found.person_id):
            older.revoked = older.revoked or set(older.grant.scopes) != set(found.scopes)
        until = time.time() + self._world.app.refresh_token_seconds
        grant = Grant(found.person_id, found.scopes, secrets.token_urlsafe(60), until)
        self._grants.put(grant.refresh_token, grant)
        return self._issue(grant)

    def refresh(self, refresh_token: str) -> AccessToken:
        """A new access token; the refresh token stays the same and its end does not move."""
        grant = self._grants.get(refresh_token)
        if grant is None or grant.refresh_until <= time.time():
            raise errors.oauth_error(400, "invalid_grant", WRONG_REFRESH_TOKEN)
        return self._issue(grant)

    def holder(self, value: str) -> AccessToken:
        """The token behind a bearer; refused unless it is live."""
        token = self.issued.get(value)
        if token is None:
            raise errors.invalid_token()
        if token.state == "revoked":
            raise errors.revoked_token()
        if token.state == "expired":
            raise errors.expired_token()
        return token

    def end(self, state: State, where: Callable[[AccessToken], bool], *, refreshable: bool) -> int:
        """Let tokens end, as revoked or expired, and their refresh tokens too unless they stay refreshable."""
        ended = self.issued.all(where)
        for token in ended:
            token.revoked = token.revoked or state == "revoked"
            token.until = min(token.until, time.time())
            if not refreshable:
                self._grants.take(token.grant.refresh_token)
        return len(ended)

    def clear(self) -> None:
        """Forget all."""
        self._codes.clear()
        self._grants.clear()
        self.issued.clear()

    def _issue(self, grant: Grant) -> AccessToken:
        until = time.time() + self._world.app.access_token_seconds
        token = AccessToken(secrets.token_urlsafe(96), grant, until)
        self.issued.put(token.value, token)
        return token
