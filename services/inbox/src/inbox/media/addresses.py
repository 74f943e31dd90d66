"""Addresses that lead to a file for a few minutes, for browsers that can show no other proof."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from inbox.media.errors import AddressExpired

GOOD_FOR: Final = timedelta(minutes=5)
"""How long an address of a file leads to it."""


def signed(secret: str, purpose: str, named: str, now: datetime) -> tuple[str, datetime]:
    """The query by which an address leads to what is named, and until when; for one purpose alone."""
    expires = int((now + GOOD_FOR).timestamp())
    query = f"expires={expires}&signature={_signature(secret, purpose, named, expires)}"
    return query, datetime.fromtimestamp(expires, UTC)


def check_signed(secret: str, purpose: str, named: str, *, expires: int, signature: str, now: datetime) -> None:
    """Whether an address is ours and still good.

    Raises:
        AddressExpired: it is neither.
    """
    ours = _signature(secret, purpose, named, expires)
    if not hmac.compare_digest(ours.encode(), signature.encode(errors="surrogatepass")) or now.timestamp() > expires:
        raise AddressExpired


def _signature(secret: str, purpose: str, named: str, expires: int) -> str:
    own = hashlib.sha256(f"{purpose} {secret}".encode()).digest()
    return hmac.new(own, f"{named}\n{expires}".encode(), hashlib.sha256).hexdigest()
