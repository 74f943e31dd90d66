"""What a second factor is worth: plain functions of values."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import pyotp

Kind = Literal["totp", "passkey"]

MOST_APPS: Final = 5
ACTIVATE_WITHIN: Final = timedelta(minutes=15)
SECRET_BYTES: Final = 20
STEP: Final = 30
"""Seconds; a code is taken in its own step and in the one before and after (RFC 6238, section 5.2)."""

MOST_CODES: Final = 10
CODE_LENGTH: Final = 24
"""Of 32 letters and digits: 120 bits, so that a keyed hash is enough at rest (ASVS 6.5.2)."""
_GROUP: Final = 4
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_MISREAD: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


@dataclass(frozen=True, slots=True)
class App:
    """An authenticator app as it is stored; its secret opens for this row alone."""

    id: UUID
    user_id: UUID
    sealed_secret: bytes = field(repr=False)
    active: bool


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor as its owner sees it; `name` is there once it was opened."""

    id: UUID
    kind: Kind
    sealed_name: bytes = field(repr=False)
    created_at: datetime
    last_used_at: datetime | None
    version: int | None = None
    backed_up: bool | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """An organization that lets in only those who have shown a second factor."""

    organization_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Overview:
    """All second factors of somebody, and who demands one of them."""

    factors: Sequence[Factor]
    recovery_codes_left: int
    demanded_by: Sequence[Demand] = ()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new app: its secret is shown this once."""

    id: UUID
    secret: str = field(repr=False)
    uri: str = field(repr=False)


def new_secret() -> bytes:
    """The seed of an app, as long as the hash (RFC 4226, section 4)."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int, digits: int = 6) -> str:
    """The code of a step, counted since 1970 (RFC 6238)."""
    return pyotp.HOTP(pyotp_secret(secret), digits=digits).at(step)


def step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """The step whose code this is, if that is the present one, the one before or the one after."""
    current = int(now.timestamp()) // STEP
    found = None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def enrolment(app_id: UUID, secret: bytes, issuer: str, account: str) -> Enrolment:
    """What an app is told: the secret, and the same as an address that fits into a QR code."""
    text = pyotp_secret(secret)
    return Enrolment(app_id, text, pyotp.TOTP(text).provisioning_uri(name=account, issuer_name=issuer))


def pyotp_secret(secret: bytes) -> str:
    """The seed in base32 without padding, as apps take it."""
    return base64.b32encode(secret).rstrip(b"=").decode("ascii")


def new_codes() -> list[str]:
    """Ten recovery codes in groups that can be read out."""
    return ["-".join(_drawn(_GROUP) for _ in range(CODE_LENGTH // _GROUP)) for _ in range(MOST_CODES)]


def code_hash(key: bytes, user_id: UUID, code: str) -> bytes | None:
    """By what a recovery code is found again, however it was typed; None when it cannot be one."""
    plain = code.strip().lower().translate(_MISREAD)
    if len(plain) != CODE_LENGTH or not set(plain) <= set(_ALPHABET):
        return None
    return hmac.digest(key, user_id.bytes + plain.encode("ascii"), hashlib.sha256)


def _drawn(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
