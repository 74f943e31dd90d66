"""The checking of access tokens, free of any framework: used by services and by the gateway's hot path alike.

One algorithm (EdDSA with Ed25519, RFC 8037), one type (`at+jwt`, RFC 9068), compact form only. The key is chosen by
`kid` from the issuer's key set; nothing in a token can name another algorithm, another key or another place for keys.
"""

import asyncio
import base64
import binascii
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import orjson
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kit.errors import TransientError, Unauthenticated

log = structlog.get_logger(__name__)

LONGEST_TOKEN = 4096
LEEWAY = 5.0

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_KID = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_HEADER = frozenset({"alg", "typ", "kid"})
_ROLE = re.compile(r"[a-z_]{1,32}", re.ASCII)
_CSRF = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SCOPES = re.compile(r"[a-z-]{1,40}:(?:read|write)(?: [a-z-]{1,40}:(?:read|write)){0,99}", re.ASCII)

_PERMISSIONS = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}(?: [a-z_]{1,40}\.[a-z_]{1,40}){0,99}", re.ASCII)

PrincipalKind = Literal["user", "key", "client", "staff"]
"""Who a token speaks of: a person, an API key of an organization, a partner's program, or a member of staff."""


class TokenRefused(Unauthenticated):
    """The access token is not valid."""

    code = "invalid-token"


class KeysUnavailable(TransientError):
    """The issuer's keys cannot be fetched just now."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says; times in seconds since 1970."""

    user_id: UUID
    session_id: UUID
    organization_id: UUID | None
    role: str | None
    epoch: int
    token_id: str
    issued_at: float
    expires_at: float
    kind: PrincipalKind = "user"
    """What `user_id` is the id of."""
    scopes: frozenset[str] | None = None
    """What the token may be used for, as `resource:read` or `resource:write`; None stands for everything."""
    client_id: UUID | None = None
    """The partner's program that acts for the principal (RFC 9068), where one does."""
    actor_id: UUID | None = None
    """Who acts in the principal's place (`act`, RFC 8693): a member of the platform's staff."""
    csrf: str | None = None
    """`csrf_hash` of what a page must state beside the token, where it may stand in a cookie; None: it may not."""
    agency_id: UUID | None = None
    """The agency (`via`) that sent the person into an organization to which they do not belong themselves."""
    staff_role: str | None = None
    """What the principal is among the platform's staff; only tokens of staff have one."""
    permissions: frozenset[str] = frozenset()
    """What that role allows, as `noun.verb`."""


def scope_of(method: str, path: str) -> str:
    """What a request needs: the first segment of its path after the version, and `read` if it changes nothing.

    `GET /v1/posts/…` needs `posts:read`, all else there `posts:write`. One does not include the other.
    """
    resource = path.removeprefix("/v1/").partition("/")[0]
    return f"{resource}:{'read' if method in _SAFE else 'write'}"


def staff_audience(audience: str) -> str:
    """The audience of tokens of staff, beside that of customers; no token is ever for both."""
    return f"{audience}/staff"


def key_id(token: str) -> str:
    """The `kid` of a token whose header is acceptable; nothing is verified yet.

    Raises:
        TokenRefused: it is not a compact JWS of ours: another type, another algorithm, no key id.
    """
    header = _json(_parts(token)[0])
    kid = header.get("kid")
    kind = header.get("typ")
    if header.get("alg") != "EdDSA" or not isinstance(kind, str) or not isinstance(kid, str):
        raise TokenRefused
    if kind.lower().removeprefix("application/") != "at+jwt" or not _KID.fullmatch(kid):
        raise TokenRefused
    if not header.keys() <= _HEADER:  # crit, b64, jwk, jku, x5u and whatever else would change the meaning
        raise TokenRefused
    return kid


def check(
    token: str, key: Ed25519PublicKey, *, now: datetime, issuer: str, audience: str, leeway: float = LEEWAY
) -> Claims:
    """The claims of a token that this key has signed for this audience and that is valid now.

    Call `key_id` first: it refuses what must not even be looked at.

    Raises:
        TokenRefused: signature, issuer, audience, time or form is wrong; which one is not told.
    """
    header, payload, signature = _parts(token)
    try:
        key.verify(_decode(signature), f"{header}.{payload}".encode("ascii"))
    except InvalidSignature as error:
        raise TokenRefused from error
    claims = _json(payload)
    said = claims.get("aud")
    if claims.get("iss") != issuer or (said != audience and not (isinstance(said, list) and audience in said)):
        raise TokenRefused
    _in_time(claims, now.timestamp(), leeway)
    return _claims(claims)


def _in_time(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    issued, expires = _time(claims.get("iat")), _time(claims.get("exp"))
    begins = _time(claims.get("nbf", issued))
    if now >= expires + leeway or now < issued - leeway or now < begins - leeway:
        raise TokenRefused


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise TokenRefused
    return value


def _claims(claims: Mapping[str, Any]) -> Claims:
    organization, role, epoch, token_id = (claims.get(name) for name in ("org", "role", "epoch", "jti"))
    if (organization is None) is not (role is None):
        raise TokenRefused
    if role is not None and not (isinstance(role, str) and _ROLE.fullmatch(role)):
        raise TokenRefused
    if not isinstance(epoch, int) or isinstance(epoch, bool) or not isinstance(token_id, str):
        raise TokenRefused
    kind = claims.get("principal", "user")
    staff_role = claims.get("staff_role")
    if kind not in get_args(PrincipalKind) or (kind == "staff") is not (staff_role is not None):
        raise TokenRefused
    if staff_role is not None and not (isinstance(staff_role, str) and _ROLE.fullmatch(staff_role)):
        raise TokenRefused
    return Claims(
        user_id=_uuid(claims.get("sub")),
        session_id=_uuid(claims.get("sid")),
        organization_id=None if organization is None else _uuid(organization),
        role=role,
        epoch=epoch,
        token_id=token_id,
        issued_at=claims["iat"],
        expires_at=claims["exp"],
        kind=kind,
        scopes=_scopes(claims.get("scope")),
        client_id=_optional_uuid(claims.get("client_id")),
        actor_id=_actor(claims.get("act")),
        csrf=_csrf(claims.get("csrf")),
        agency_id=_optional_uuid(claims.get("via")),
        staff_role=staff_role,
        permissions=_words(claims.get("permissions"), _PERMISSIONS) or frozenset(),
    )


def csrf_hash(token: bytes) -> str:
    """What an access token in a cookie says of the CSRF token that belongs to it."""
    return base64.urlsafe_b64encode(hashlib.sha256(token).digest()).rstrip(b"=").decode("ascii")


def _csrf(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and _CSRF.fullmatch(value)):
        raise TokenRefused
    return value


def _scopes(value: object) -> frozenset[str] | None:
    return _words(value, _SCOPES)


def _words(value: object, form: re.Pattern[str]) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, str) or (value and not form.fullmatch(value)):
        raise TokenRefused
    return frozenset(value.split())


def _actor(value: object) -> UUID | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TokenRefused
    return _uuid(value.get("sub"))


def _optional_uuid(value: object) -> UUID | None:
    return None if value is None else _uuid(value)


def _uuid(value: object) -> UUID:
    if not isinstance(value, str) or len(value) != 36:
        raise TokenRefused
    try:
        return UUID(value)
    except ValueError as error:
        raise TokenRefused from error


def _parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".") if len(token) <= LONGEST_TOKEN else ()
    if len(parts) != 3 or not all(_SEGMENT.fullmatch(part) for part in parts):
        raise TokenRefused
    return parts[0], parts[1], parts[2]


def _decode(segment: str) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenRefused from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != segment.encode("ascii"):
        raise TokenRefused  # not the one canonical spelling
    return decoded


def _json(segment: str) -> dict[str, Any]:
    try:
        value = orjson.loads(_decode(segment))
    except orjson.JSONDecodeError as error:
        raise TokenRefused from error
    if not isinstance(value, dict):
        raise TokenRefused
    return value


def public_keys(jwks: object) -> dict[str, Ed25519PublicKey]:
    """The usable keys of a JWK set by their id; keys of other kinds and for other uses are passed over.

    Raises:
        ValueError: it is no JWK set.
    """
    if isinstance(jwks, bytes | str):
        jwks = orjson.loads(jwks)
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("not a JWK set")  # noqa: TRY004 - it came from outside
    found = {}
    for jwk in jwks["keys"]:
        key = _public_key(jwk) if isinstance(jwk, dict) else None
        if key is not None:
            found[jwk["kid"]] = key
    return found


def _public_key(jwk: Mapping[str, Any]) -> Ed25519PublicKey | None:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or not isinstance(jwk.get("kid"), str):
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "EdDSA") not in ("EdDSA", "Ed25519"):
        return None
    try:
        return Ed25519PublicKey.from_public_bytes(_decode(jwk["x"]))
    except (KeyError, TypeError, ValueError, TokenRefused):
        return None


class KeySet:
    """The issuer's keys, fetched when needed and kept for five minutes.

    An unknown key id makes it fetch once more, for all who wait together, and not more often than every
    `rest` seconds: made-up key ids cannot make it knock at the issuer's door. When the issuer does not answer, the
    keys it last gave stay good for `stale` seconds longer; a key that it no longer gives is gone at the next fetch.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[object]],
        *,
        keep: float = 300.0,
        rest: float = 5.0,
        stale: float = 900.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._keep, self._rest, self._stale = keep, rest, stale
        self._monotonic = monotonic
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_at = self._tried_at = -1e9
        self._fetching = asyncio.Lock()

    def known(self, kid: str) -> Ed25519PublicKey | None:
        """The key, if it is at hand and fresh; never waits."""
        return self._keys.get(kid) if self._monotonic() - self._fetched_at < self._keep else None

    async def key(self, kid: str) -> Ed25519PublicKey:
        """The key with this id.

        Raises:
            TokenRefused: the issuer knows no such key.
            KeysUnavailable: the issuer does not answer, and what it said is too old.
        """
        key = self.known(kid)
        if key is None and self._fetching.locked() and not self._stale_for_good():
            key = self._keys.get(kid)  # somebody asks already, and the issuer may take its time to answer
        if key is None:
            asked_at = self._monotonic()
            async with self._fetching:
                await self._refresh(asked_at)
            key = self._keys.get(kid)
        if self._stale_for_good():
            raise KeysUnavailable(retry_after=self._rest)
        if key is None:
            raise TokenRefused
        return key

    def _stale_for_good(self) -> bool:
        return self._monotonic() - self._fetched_at >= self._keep + self._stale

    async def _refresh(self, asked_at: float) -> None:
        if self._tried_at >= asked_at or self._monotonic() - self._tried_at < self._rest:
            return
        self._tried_at = self._monotonic()
        try:
            self._keys = public_keys(await self._fetch())
        except Exception as error:  # noqa: BLE001 - whatever keeps the issuer away, the old keys go on for a while
            log.warning("keys.not_fetched", error=type(error).__name__)
        else:
            self._fetched_at = self._monotonic()
