"""Access tokens: short-lived JWTs (RFC 9068) signed with Ed25519, the form that `kit.http.tokens` checks."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from auth.keys.model import SigningKey
from auth.sessions.model import Standing
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Writes access tokens for one audience."""

    issuer: str
    audience: str

    def sign(self, key: SigningKey, claims: dict[str, object], now: datetime, life: timedelta) -> str:
        """A token that says these claims from now on, for so long."""
        issued = int(now.timestamp())
        body = {
            "iss": self.issuer,
            "aud": self.audience,
            **claims,
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(life.total_seconds()),
            "jti": str(new_id()),
        }
        return signed(key, _header(key), body)


def signed(key: SigningKey, header: dict[str, str], claims: dict[str, object]) -> str:
    """A compact JWS (RFC 7515) over these claims."""
    said = f"{_segment(orjson.dumps(header))}.{_segment(orjson.dumps(claims))}"
    return f"{said}.{_segment(key.private.sign(said.encode('ascii')))}"


def claims_of(user_id: object, session_id: object, standing: Standing, csrf: str | None = None) -> dict[str, object]:
    """Who the token speaks of, and where they act; without an organization both its claims are absent.

    With `csrf` it may stand in a cookie.
    """
    claims: dict[str, object] = {"sub": str(user_id), "sid": str(session_id), "epoch": standing.epoch}
    if standing.organization_id is not None and standing.role is not None:
        claims |= {"org": str(standing.organization_id), "role": standing.role}
    if standing.agency_id is not None:
        claims["via"] = str(standing.agency_id)
    if csrf is not None:
        claims["csrf"] = csrf
    return claims


def _header(key: SigningKey) -> dict[str, str]:
    return {"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid}


def _segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
