"""Whether an id_token is true: signed by its provider, made for us, for this browser, and now."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError

from auth.openid.discovery import Discovered
from auth.openid.errors import ProviderRefused
from auth.openid.key_sets import KeySets
from auth.openid.model import LONGEST_SUBJECT

LONGEST: Final = 16 * 1024
LEEWAY: Final = 60
"""Seconds that a provider's clock may be off."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuers: tuple[str, ...]
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    now: datetime
    age: timedelta
    """How long ago this sign-in began."""


async def claims_of(token: str, discovered: Discovered, keys: KeySets, expected: Expected) -> dict[str, Any]:
    """The claims of a token that holds.

    Raises:
        ProviderRefused: it does not; with the check that failed.
        ProviderUnreachable: the keys cannot be fetched.
    """
    algorithm, kid = _header(token, discovered.algorithms)
    key = await keys.find(discovered.jwks_uri, algorithm, kid)
    if key is None:
        raise ProviderRefused("unknown-key")
    try:
        claims = jwt.decode(token, key, algorithms=[algorithm]).claims
    except (JoseError, ValueError) as error:
        raise ProviderRefused("signature") from error
    trouble = objection(claims, algorithm, expected)
    if trouble:
        raise ProviderRefused(trouble)
    return claims


def _header(token: str, allowed: tuple[str, ...]) -> tuple[str, str | None]:
    """Algorithm and key id; keys that a token brings along, or says where to find, are never looked at."""
    if len(token) > LONGEST or not token.isascii():
        raise ProviderRefused("id-token-malformed")
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError) as error:
        raise ProviderRefused("id-token-malformed") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in allowed:
        raise ProviderRefused("algorithm")
    if kid is not None and not isinstance(kid, str):
        raise ProviderRefused("id-token-malformed")
    return algorithm, kid


def objection(claims: dict[str, Any], algorithm: str, expected: Expected) -> str:
    """What is wrong with the claims, as a word; empty when nothing is (OpenID Connect Core, section 3.1.3.7)."""
    checks = {
        "issuer": claims.get("iss") in expected.issuers,
        "audience": _is_for(claims, expected.client_id),
        "expired": _is_timely(claims, expected),
        "nonce": _is_same(claims.get("nonce"), expected.nonce),
        "subject": _is_subject(claims.get("sub")),
        "access-token": "at_hash" not in claims
        or _is_same(claims["at_hash"], _half_hash(expected.access_token, algorithm)),
    }
    return next((name for name, holds in checks.items() if not holds), "")


def _is_for(claims: dict[str, Any], client_id: str) -> bool:
    """For us and nobody else: an audience beside us is one that we would have to trust."""
    audience = claims.get("aud")
    return audience in (client_id, [client_id]) and claims.get("azp", client_id) == client_id


def _is_timely(claims: dict[str, Any], expected: Expected) -> bool:
    now = expected.now.timestamp()
    expires, issued, not_before = (_time(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None:
        return False
    began = now - expected.age.total_seconds()
    return bool(
        expires > now - LEEWAY and began - LEEWAY <= issued <= now + LEEWAY and (not_before or 0) <= now + LEEWAY
    )


def _time(said: object) -> float | None:
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) else None


def _is_same(said: object, expected: str) -> bool:
    return isinstance(said, str) and said.isascii() and hmac.compare_digest(said.encode(), expected.encode())


def _is_subject(said: object) -> bool:
    return isinstance(said, str) and 0 < len(said) <= LONGEST_SUBJECT and said.isprintable()


def _half_hash(access_token: str, algorithm: str) -> str:
    """The left half of the token's hash; that of Ed25519 is SHA-512, as its signatures are."""
    hashed = hashlib.sha512 if algorithm in {"EdDSA", "Ed25519"} else hashlib.sha256
    digest = hashed(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
