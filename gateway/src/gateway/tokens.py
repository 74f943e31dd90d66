"""Who is calling: the access token, verified as the services verify it, and remembered for a moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from gateway.keys import KeyRing
from gateway.problems import INVALID_TOKEN, KEYS_AWAY, UNAUTHENTICATED, Refused, retry_after
from kit.clock import Clock
from kit.http.tokens import LONGEST_TOKEN, Claims, TokenRefused, check, key_id

CHALLENGE = (b"www-authenticate", b"Bearer")
CHALLENGE_INVALID = (b"www-authenticate", b'Bearer error="invalid_token"')


@dataclass(frozen=True, slots=True)
class Session:
    """What the gateway keeps of a verified token."""

    user_id: str
    session_id: str
    epoch: int
    expires_at: float
    organization_id: UUID | None = None
    role: str = ""
    organization: str = ""
    """The same as text, as limits and plans are kept by it."""
    scopes: frozenset[str] | None = None
    """What the token may be used for; None stands for everything."""
    client_id: str = ""
    """The partner's program that acts, where one does; when it is ended, so is all it does."""
    kid: str = ""
    """The name of the key that has signed it."""
    csrf: str = ""
    """The hash of what a page states beside the token, where it may come in a cookie."""
    impersonated: bool = False
    """Whether a member of staff acts in the person's place: each such request is put on record by a service, so
    nothing is answered here without asking one."""


def bearer(authorization: bytes) -> bytes:
    """The token in an Authorization header.

    Raises:
        Refused: when there is none, or another scheme.
    """
    scheme, _, token = authorization.partition(b" ")
    token = token.strip()
    if not token or scheme.lower() != b"bearer":
        raise Refused(UNAUTHENTICATED, [CHALLENGE])
    return token


class Verifier:
    """Verifies tokens of one audience and remembers those it has verified.

    Each is remembered until it expires but at most `remember` seconds. With `staff` only members of the platform's
    staff are let in, else all but them. Only valid tokens are remembered, at most `capacity` of them, oldest making
    room; nothing is kept of others. When the keys change, or `trusts_memory` says no, everything is verified anew.
    """

    def __init__(
        self,
        keys: KeyRing,
        clock: Clock,
        *,
        issuer: str,
        audience: str,
        staff: bool = False,
        remember: float = 60.0,
        capacity: int = 20_000,
        trusts_memory: Callable[[], bool] = lambda: True,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._staff = staff
        self._remember = remember
        self._capacity = capacity
        self._trusts_memory = trusts_memory
        self._verified: dict[bytes, tuple[Session, float]] = {}
        keys.heed(self._verified.clear)

    @property
    def remembered(self) -> int:
        """How many tokens are remembered."""
        return len(self._verified)

    def recall(self, authorization: bytes) -> Session | None:
        """Whose token an Authorization header shows, if it was verified lately; None, too, where none is shown."""
        return self.known(authorization[7:]) if authorization.startswith(b"Bearer ") else None

    def known(self, token: bytes) -> Session | None:
        """Whose token this is, if it was verified lately."""
        held = self._verified.get(token)
        if held is None:
            return None
        session, until = held
        if time.monotonic() < until and self._clock.timestamp() < session.expires_at and self._trusts_memory():
            return session
        del self._verified[token]
        return None

    async def session(self, token: bytes) -> Session:
        """Whose token this is, verified now unless it was lately.

        Raises:
            Refused: 401 when anything about the token is wrong; 503 when there are no keys to tell.
        """
        known = self.known(token)
        if known is not None:
            return known
        session = await self.verify(token)
        self._verified[token] = (session, time.monotonic() + self._remember)
        if len(self._verified) > self._capacity:
            del self._verified[next(iter(self._verified))]
        return session

    async def verify(self, token: bytes) -> Session:
        """Whose token this is, verified now; nothing is remembered.

        Raises:
            Refused: as `session` does.
        """
        try:
            claims = await self._claims(token)
        except (TokenRefused, UnicodeDecodeError) as wrong:
            raise Refused(INVALID_TOKEN, [CHALLENGE_INVALID]) from wrong
        return Session(
            user_id=str(claims.user_id),
            session_id=str(claims.session_id),
            epoch=claims.epoch,
            expires_at=claims.expires_at,
            organization_id=claims.organization_id,
            role=claims.role or "",
            organization=str(claims.organization_id or ""),
            scopes=claims.scopes,
            client_id=str(claims.client_id or ""),
            kid=key_id(token.decode("ascii")),
            csrf=claims.csrf or "",
            impersonated=claims.actor_id is not None,
        )

    async def _claims(self, token: bytes) -> Claims:
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused
        text = token.decode("ascii")
        kid = key_id(text)
        if self._keys.is_dropped(kid):
            raise TokenRefused
        key = await self._keys.find(kid)
        if key is None:
            if not self._keys.usable:
                raise Refused(KEYS_AWAY, [retry_after(2)])
            raise TokenRefused
        claims = check(text, key, now=self._clock.now(), issuer=self._issuer, audience=self._audience)
        if (claims.kind == "staff") is not self._staff:
            raise TokenRefused
        return claims
