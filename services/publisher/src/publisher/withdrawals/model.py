"""A permission that a person took back at a platform, and their wish that what is known of them is deleted."""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import orjson

from postrules.limits import Platform

LONGEST: Final = 8192
FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(hours=1)


class Wish(StrEnum):
    """What they want: that we can do nothing any more, or also that we forget."""

    DEAUTHORIZE = "deauthorize"
    DELETE = "data-deletion"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What Meta signs: who, and when they asked."""

    person: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One that is to be carried out; nobody is named any more once it was."""

    id: UUID
    platform: Platform
    wish: Wish
    grantor_blind: bytes
    issued_at: datetime
    attempt: int = 1

    @property
    def wait(self) -> timedelta:
        """How long it waits when this attempt does not work: twice as long each time, an hour at most."""
        return min(LONGEST_WAIT, FIRST_WAIT * float(1 << min(self.attempt - 1, 12)))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one is, as who asked may see it."""

    asked_at: datetime
    done_at: datetime | None
    accounts: int


def signed_request(body: bytes, secret: str) -> SignedRequest | None:
    """The request in a form `signed_request=<signature>.<payload>`; None unless the secret signed exactly that.

    The signature is the HMAC-SHA256 of the encoded payload; both are base64url without padding.
    """
    given = _form(body)
    signature, _, payload = given.partition(".")
    if not secret or not payload:
        return None
    try:
        right = hmac.digest(secret.encode(), payload.encode(), hashlib.sha256)
        if not hmac.compare_digest(_decoded(signature), right):
            return None
        said: Any = orjson.loads(_decoded(payload))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(said, dict) or str(said.get("algorithm", "")).upper() != "HMAC-SHA256":
        return None
    person, at = said.get("user_id"), said.get("issued_at")
    if not isinstance(person, str | int) or not str(person) or not isinstance(at, int) or not 0 < at < 10**11:
        return None
    return SignedRequest(str(person)[:200], datetime.fromtimestamp(at, UTC))


def code_of(body: bytes, secret: str) -> str:
    """The confirmation code of a request: the same for the same one, and nobody's guess."""
    return hmac.digest(secret.encode(), b"confirmation\0" + body, hashlib.sha256).hex()[:40]


def hashed(code: str) -> bytes:
    """A code as it is stored."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def _form(body: bytes) -> str:
    if len(body) > LONGEST:
        return ""
    fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=10)
    return fields.get("signed_request", [""])[0]


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
