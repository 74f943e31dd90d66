"""Codes and tokens: issued, looked at, spent, taken back."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sandbox.consent.world import Registration
from sandbox.shelf import Shelf

KEPT = 20_000

State = Literal["live", "revoked", "expired"]


class Mortal:
    """What ends by its time, or by being taken back."""

    until: float
    revoked: bool

    @property
    def state(self) -> State:
        """Whether it can be used now."""
        if self.revoked:
            return "revoked"
        return "live" if time.time() < self.until else "expired"

    def end(self, state: State) -> None:
        """Let it end now, as revoked or expired."""
        self.revoked = self.revoked or state == "revoked"
        self.until = min(self.until, time.time())


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a code verifier must match (RFC 7636); without one nothing is asked for."""

    text: str = ""
    method: str = "plain"

    def is_met_by(self, verifier: str) -> bool:
        """Whether the verifier is that of the challenge; without a challenge there must be none."""
        if not self.text or not verifier:
            return not self.text and not verifier
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        said = digest if self.method == "S256" else verifier
        return hmac.compare_digest(said.encode(), self.text.encode())


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code on its way; good once."""

    person_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: Challenge
    until: float
    offline: bool


@dataclass(slots=True)
class Grant:
    """What a person has allowed; its refresh token, if there is one, until when it lives, and whether it ended."""

    person_id: str
    scopes: tuple[str, ...]
    refresh_token: str
    refresh_until: float
    ended: bool = False


@dataclass(slots=True)
class AccessToken(Mortal):
    """An access token as it was issued."""

    value: str
    grant: Grant
    until: float
    revoked: bool = False
    issued_at: float = field(default_factory=time.time)


class Tokens:
    """All codes and tokens of the one application."""

    def __init__(self, registered: Callable[[], Registration], *, prefix: str = "") -> None:
        self._registered = registered
        self._prefix = prefix
        self._codes: Shelf[str, Code] = Shelf(most=KEPT)
        self._grants: Shelf[str, Grant] = Shelf(most=KEPT)
        self.issued: Shelf[str, AccessToken] = Shelf(most=KEPT)

    def new_code(
        self,
        person_id: str,
        scopes: tuple[str, ...],
        redirect_uri: str,
        challenge: Challenge,
        *,
        offline: bool = True,
    ) -> str:
        """The code that a person's consent gives; `offline` says that a refresh token comes with it."""
        value = secrets.token_urlsafe(48)
        until = time.time() + self._registered().code_seconds
        self._codes.put(value, Code(person_id, scopes, redirect_uri, challenge, until, offline))
        return value

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> AccessToken | None:
        """Spend a code; None when there is none such, no more, or it is another's."""
        found = self._codes.take(code)
        if found is None or found.until <= time.time() or found.redirect_uri != redirect_uri:
            return None
        if not found.challenge.is_met_by(verifier):
            return None
        grant = Grant(found.person_id, found.scopes, "", 0.0)
        if found.offline:
            self._new_refresh_token(grant)
        return self._issue(grant)

    def refresh(self, refresh_token: str) -> AccessToken | None:
        """A new access token; where refresh tokens rotate, the one that was shown is spent by this."""
        grant = self._grants.get(refresh_token)
        if grant is None or grant.ended or grant.refresh_until <= time.time():
            return None
        if self._registered().rotates:
            self._grants.take(refresh_token)
            self._new_refresh_token(grant)
        return self._issue(grant)

    def holder(self, value: str) -> AccessToken | None:
        """The token of that value, whatever has become of it."""
        return self.issued.get(value)

    def end(self, state: State, where: Callable[[AccessToken], bool], *, refreshable: bool) -> int:
        """Let tokens end, as revoked or expired, and their refresh tokens too unless they stay refreshable."""
        ended = self.issued.all(where)
        for token in ended:
            token.end(state)
            token.grant.ended = token.grant.ended or not refreshable
        return len(ended)

    def end_grant(self, token: str) -> str | None:
        """Take back what an access or refresh token belongs to; whose it was, None where there is none such."""
        issued = self.issued.get(token)
        grant = issued.grant if issued is not None else self._grants.get(token)
        if grant is None or grant.ended:
            return None
        self.end("revoked", lambda one: one.grant is grant, refreshable=False)
        grant.ended = True
        return grant.person_id

    def clear(self) -> None:
        """Forget all."""
        self._codes.clear()
        self._grants.clear()
        self.issued.clear()

    def _new_refresh_token(self, grant: Grant) -> None:
        grant.refresh_token = self._prefix + secrets.token_urlsafe(60)
        grant.refresh_until = time.time() + self._registered().refresh_token_seconds
        self._grants.put(grant.refresh_token, grant)

    def _issue(self, grant: Grant) -> AccessToken:
        value = self._prefix + secrets.token_urlsafe(72)
        token = AccessToken(value, grant, time.time() + self._registered().access_token_seconds)
        self.issued.put(token.value, token)
        return token
