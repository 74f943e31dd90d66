"""Codes of an app (RFC 6238): six digits, thirty seconds."""

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp

SECRET_BYTES: Final = 20
STEP: Final = 30


def new_secret() -> bytes:
    """The seed of an app, as long as the hash (RFC 4226, section 4)."""
    return secrets.token_bytes(SECRET_BYTES)


def spelled(secret: bytes) -> str:
    """The seed in base32 without padding, as apps take it."""
    return base64.b32encode(secret).rstrip(b"=").decode("ascii")


def step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """The step whose code this is, if that is the present one, the one before or the one after."""
    current, app, found = int(now.timestamp()) // STEP, pyotp.HOTP(spelled(secret)), None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(app.at(step), code):
            found = step
    return found


def address_of(secret: bytes, account: str) -> str:
    """The same as an address that fits into a QR code."""
    return pyotp.TOTP(spelled(secret)).provisioning_uri(name=account, issuer_name="Rostrum staff")
