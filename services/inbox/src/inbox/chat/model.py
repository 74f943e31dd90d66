"""A visitor of a web chat: who they are to us, what proves it, how much they may send."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from inbox.channels.base import Identity

ROTATED_AFTER: Final = timedelta(days=1)
"""How old a token may be before the next visit gets another."""
STILL_GOOD: Final = timedelta(minutes=10)
"""How long the token before is good, for other windows of the same browser."""
FORGOTTEN_AFTER: Final = timedelta(days=90)
"""How long a browser is known again after it was last there."""

BURST: Final = 20
EVERY: Final = timedelta(seconds=3)
"""How much a visitor may send: so many messages at once, and one more in so many seconds."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that is known again; `customer` is whose it is, by the organization's own id, if proven."""

    id: UUID
    channel_id: UUID
    customer: str = field(repr=False)
    introduced: bool
    token_at: datetime
    created_at: datetime

    @property
    def known_as(self) -> tuple[Identity, ...]:
        """By what they are recognised, the surest first.

        An organization's id is kept apart by channel: another page may count its customers in another way.
        """
        own = Identity("visitor", str(self.id))
        if not self.customer:
            return (own,)
        return (Identity("customer_id", f"{self.channel_id}:{self.customer}"), own)


def new_token() -> str:
    """A token that nobody guesses."""
    return "rvt_" + secrets.token_urlsafe(32)


def hashed(token: str) -> bytes:
    """What is kept of a token; it is random enough to need neither salt nor patience."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def proof(secret: bytes, user_id: str) -> str:
    """What an organization's server makes of its user's id to prove them."""
    return hmac.new(secret, user_id.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def proves(told: str, user_id: str, good: Iterable[bytes]) -> bool:
    """Whether one of these secrets made it; all are compared, each in constant time."""
    given = told.encode(errors="surrogatepass").lower()
    fits = [hmac.compare_digest(proof(secret, user_id).encode(), given) for secret in good]
    return any(fits)
