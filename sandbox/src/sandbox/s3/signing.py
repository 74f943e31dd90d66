"""AWS Signature Version 4 in the Authorization header, as S3 checks it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote_plus

from sandbox.s3.errors import Refusal

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/([0-9]{8})/([a-z0-9-]+)/s3/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_SKEW: Final = timedelta(minutes=15)
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `path` and `query` as they were sent."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


def check(asked: Asked, keys: Mapping[str, str], now: datetime) -> None:
    """Whether somebody who has one of these keys (id to secret) asks for this.

    Raises:
        Refusal: nobody, somebody unknown, not this, or not now.
    """
    headers = asked.headers
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Refusal(403, "AccessDenied", "Access Denied")
    identity, day, region, signed, signature = found.groups()
    secret = keys.get(identity)
    if secret is None:
        raise Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    at, told = headers.get("x-amz-date", ""), headers.get("x-amz-content-sha256", "")
    if not at.startswith(day) or abs(_moment(at) - now) > _SKEW:
        raise Refusal(403, "RequestTimeTooSkewed", "The difference between the request time and ours is too large.")
    if told not in (_UNSIGNED, hashlib.sha256(asked.body).hexdigest()):
        raise Refusal(400, "XAmzContentSHA256Mismatch", "The provided hash does not match what was computed.")
    names = signed.split(";")
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
        raise Refusal(403, "AccessDenied", "There were headers present in the request which were not signed")
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}" for name in names]
    request = "\n".join((asked.method, asked.path, _canonical(asked.query), *lines, "", signed, told))
    scope = f"{day}/{region}/s3/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()))
    expected = hmac.digest(_key(secret, (day, region, "s3", "aws4_request")), to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, signature):
        raise Refusal(403, "SignatureDoesNotMatch", "The signature we calculated does not match yours.")


def _key(secret: str, scope: Iterable[str]) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _canonical(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(
        f"{name}={value}" for name, value in sorted((_said(name), _said(value)) for name, _, value in pairs)
    )


def _said(text: str) -> str:
    return quote(unquote_plus(text), safe="-_.~")


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
