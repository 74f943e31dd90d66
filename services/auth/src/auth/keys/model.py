"""Which key signs, which keys are published, and when it is time for another: plain functions of time."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROTATE_EVERY: Final = timedelta(days=30)
ANNOUNCED_FOR: Final = timedelta(minutes=15)
"""A key is published for so long before it signs: longer than anyone keeps the key set without asking again."""
KEPT_FOR: Final = timedelta(minutes=20)
"""A key stays published for so long after its last signature: longer than any token lives."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it lies in the database."""

    kid: str
    public: bytes
    sealed_private: bytes
    signs_from: datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair with its time."""

    kid: str
    private: Ed25519PrivateKey
    public: bytes
    signs_from: datetime


def thumbprint(public: bytes) -> str:
    """The name of a key: the digest of its public half (RFC 7638, RFC 8037)."""
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode("ascii")
    digest = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


K = TypeVar("K", StoredKey, SigningKey)


def signing(keys: Sequence[K], now: datetime) -> K | None:
    """The key that signs now: the newest whose time has come. `keys` stand in the order of their times.

    When the platform's time was set back to before the first key, that one signs all the same.
    """
    begun = [key for key in keys if key.signs_from <= now]
    return begun[-1] if begun else next(iter(keys), None)


def published(keys: Sequence[SigningKey], now: datetime) -> list[SigningKey]:
    """The keys verifiers need now: those to come, the one that signs, and those whose tokens may still be alive."""
    ends = [*(key.signs_from for key in keys[1:]), None]
    return [key for key, end in zip(keys, ends, strict=True) if end is None or now < end + KEPT_FOR]


def is_due(times: Sequence[datetime], now: datetime) -> bool:
    """Whether the newest key has signed for long enough; never while one is announced."""
    return not times or times[-1] + ROTATE_EVERY <= now


def is_announced(times: Sequence[datetime], now: datetime) -> bool:
    """Whether a key is published that does not sign yet."""
    return bool(times) and times[-1] > now
