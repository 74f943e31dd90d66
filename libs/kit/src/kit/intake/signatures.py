"""Checks of the usual signature schemes: on the raw bytes, in constant time, and never raising.

A header that is missing, malformed or signed with another scheme is simply not genuine. So is everything while no
secret is configured: an empty key would let anybody sign.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

_HEX_SHA256 = 64


def hmac_sha256_hex(secret: str | bytes, body: bytes, header: str | None, *, prefix: str = "") -> bool:
    """Whether `header` is `prefix` and the hexadecimal HMAC-SHA256 of the body (Meta and GitHub: `sha256=`).

    The digits may be in either case, the prefix may not.
    """
    if not secret or header is None or not header.startswith(prefix):
        return False
    digits = header[len(prefix) :]
    if len(digits) != _HEX_SHA256 or not digits.isascii():
        return False
    return hmac.compare_digest(hmac.digest(_bytes(secret), body, "sha256").hex(), digits.lower())


def linkedin(client_secret: str | bytes, body: bytes, header: str | None) -> bool:
    """LinkedIn's X-LI-Signature: the HMAC-SHA256 of `hmacsha256=` and the body, as hexadecimal digits.

    Its documentation shows the prefix both in the signed text and, in places, in the header; the header is taken with
    and without it.
    """
    digits = (header or "").removeprefix("hmacsha256=")
    return hmac_sha256_hex(client_secret, b"hmacsha256=" + body, digits)


def hmac_sha256_base64(secret: str | bytes, body: bytes, header: str | None, *, prefix: str = "") -> bool:
    """The same with the digest in base64 (X: `sha256=`)."""
    if not secret or header is None or not header.startswith(prefix):
        return False
    try:
        given = base64.b64decode(header[len(prefix) :], validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(_bytes(secret), body, "sha256"), given)


def timestamped_hmac_hex(
    secret: str | bytes, body: bytes, header: str | None, *, now: float, tolerance: float, scheme: str = "v1"
) -> bool:
    """`t=1700000000,v1=<hex>` over `<t>.<body>` (Stripe: v1, 300 s; ElevenLabs: v0, 1,800 s; TikTok: s).

    One of several signatures of the scheme is enough, as while a secret is being changed. A time further than
    `tolerance` seconds from `now` is a replay.
    """
    fields = [part.partition("=")[::2] for part in (header or "").split(",")]
    times = [value for name, value in fields if name.strip() == "t"]
    given = [value for name, value in fields if name.strip() == scheme]
    if not secret or len(times) != 1 or not _fresh(times[0], now, tolerance):
        return False
    expected = hmac.new(_bytes(secret), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    return _any_equal(expected, given)


def standard_webhooks(
    secret: str,
    body: bytes,
    *,
    webhook_id: str | None,
    timestamp: str | None,
    header: str | None,
    now: float,
    tolerance: float = 300.0,
) -> bool:
    """`v1,<base64>` over `<id>.<timestamp>.<body>` with a `whsec_` secret (OpenAI, Replicate)."""
    if not secret or not webhook_id or header is None or timestamp is None or not _fresh(timestamp, now, tolerance):
        return False
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        signed = f"{webhook_id}.{timestamp}.".encode() + body
    except (binascii.Error, ValueError):
        return False
    if not key:
        return False
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return _any_equal(expected, [each[3:] for each in header.split() if each.startswith("v1,")])


def _bytes(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret


def _fresh(timestamp: str, now: float, tolerance: float) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        return False
    return abs(now - int(timestamp)) <= tolerance


def _any_equal(expected: str, given: Iterable[str]) -> bool:
    return any(each.isascii() and hmac.compare_digest(expected, each) for each in given)
