"""Codes and access tokens of an OpenID provider."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from sandbox.openid.world import App
from sandbox.shelf import Shelf

KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code on its way; good once."""

    subject: str
    scopes: tuple[str, ...]
    redirect_uri: str
    nonce: str | None
    challenge: str
    method: str
    until: float

    def is_opened_by(self, verifier: str) -> bool:
        """Whether the verifier is that of the challenge; without a challenge there must be none (RFC 9700)."""
        if not self.challenge or not verifier:
            return not self.challenge and not verifier
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        said = verifier if self.method == "plain" else digest
        return hmac.compare_digest(said.encode(), self.challenge.encode())


@dataclass(frozen=True, slots=True)
class Access:
    """An access token as it was issued."""

    value: str
    subject: str
    scopes: tuple[str, ...]
    until: float


class Grants:
    """All codes and tokens of one provider."""

    def __init__(self) -> None:
        self._codes: Shelf[str, Code] = Shelf(most=KEPT)
        self._issued: Shelf[str, Access] = Shelf(most=KEPT)

    def add(self, code: Code, prefix: str = "") -> str:
        """Give a code."""
        value = prefix + secrets.token_urlsafe(48)
        self._codes.put(value, code)
        return value

    def redeem(self, value: str) -> Code | None:
        """Spend a code; None when there is none such, or no more."""
        found = self._codes.take(value)
        return None if found is None or found.until <= time.time() else found

    def issue(self, code: Code, app: App, prefix: str = "") -> Access:
        """An access token for a code."""
        access = Access(
            prefix + secrets.token_urlsafe(60), code.subject, code.scopes, time.time() + app.access_token_seconds
        )
        self._issued.put(access.value, access)
        return access

    def holder(self, authorization: str) -> Access | None:
        """The live token of an Authorization header."""
        scheme, _, value = authorization.partition(" ")
        found = self._issued.get(value.strip()) if scheme.lower() in {"bearer", "token"} else None
        return None if found is None or found.until <= time.time() else found

    def clear(self) -> None:
        """Forget all."""
        self._codes.clear()
        self._issued.clear()
